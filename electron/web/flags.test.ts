import { expect, it } from 'vitest';
import { readFlags } from './flags.ts';

it('reads what it is given', () => {
  expect(readFlags([])).toEqual({ port: undefined, dataDir: undefined, open: true });
  expect(readFlags(['--port', '0', '--data-dir', '/d', '--no-open'])).toEqual({ port: 0, dataDir: '/d', open: false });
});

it.each([[['--port', 'x']], [['--port', '65536']], [['--port', '-1']], [['--port', '']], [['--port', '1.5']], [['--nonsense']], [['word']]])(
  'refuses %j',
  (args) => expect(() => readFlags(args)).toThrow(expect.objectContaining({ code: 'bad-input' }) as Error),
);
