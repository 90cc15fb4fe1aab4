import { describe, expect, it } from 'vitest';
import type { Machine } from '#shared/contract/machines.ts';
import type { MachineAction } from '../../machine-actions/action.ts';
import { sampleMachine } from '../../machines/list/sample-machine.ts';
import { findCommands, type Source } from './commands.ts';
import { fuzzyScore } from './fuzzy.ts';

const action = (id: MachineAction['id'], label: string, reason?: string): MachineAction => ({
  id, label, asks: false, group: 'power', danger: false, reason, run: () => undefined, once: undefined, warning: undefined,
});
const actions = ({ status }: Machine): MachineAction[] => [
  action('start', 'Start', status === 'Running' ? 'It is running already.' : undefined),
  action('stop', 'Shut down', status === 'Running' ? undefined : 'It is not running.'),
];
const machines = [sampleMachine('web-1', { status: 'Running' }), sampleMachine('web-2'), sampleMachine('database'), sampleMachine('mail-server')];
const pages = ['Go to machines', 'New machine'].map((label) => ({ id: `page ${label}`, label, kind: 'Page', run: () => undefined }));
const source = (more: Partial<Source> = {}): Source => ({ machines, actions, pages, open: () => undefined, recent: [], ...more });
const found = (typed: string, more?: Partial<Source>): string[] => findCommands(typed, source(more)).map(({ label }) => label);

describe('fuzzyScore', () => {
  it('takes letters in their order, and nothing else', () => {
    expect(fuzzyScore('dtb', 'database')).toBeDefined();
    expect(fuzzyScore('btd', 'database')).toBeUndefined();
  });

  it('prefers what stands there as it was typed, and beginnings of words', () => {
    const score = (typed: string, text: string): number => fuzzyScore(typed, text) ?? -Infinity;
    expect(score('web', 'web-1')).toBeGreaterThan(score('web', 'cobweb'));
    expect(score('ms', 'mail-server')).toBeGreaterThan(score('ms', 'maxs'));
    expect(score('server', 'mail-server')).toBeGreaterThan(score('ser', 'sxexr'));
  });
});

describe('the palette', () => {
  it('finds machines by some letters, with what can be done to the best one', () => {
    expect(found('web1').slice(0, 2)).toEqual(['web-1', 'Shut down web-1']);
    expect(found('mlsrv')[0]).toBe('mail-server');
  });

  it('takes a verb before or behind the name, whole or begun', () => {
    expect(found('start web')).toContain('Start web-2');
    expect(found('sta web')[0]).toBe('Start web-2');
    expect(found('web shut d')[0]).toBe('Shut down web-1');
    expect(found('shut down')).toEqual(['Shut down web-1']);
  });

  it('says last what cannot be done to a machine that is named, and why', () => {
    expect(findCommands('start web', source()).at(-1)).toMatchObject({ label: 'Start web-1', kind: 'It is running already.', reason: 'It is running already.' });
    expect(found('start')).not.toContain('Start web-1');
    expect(found('web1')).not.toContain('Start web-1');
  });

  it('puts recent commands first', () => {
    expect(found('', { recent: ['start local/default/web-2', 'page New machine'] }).slice(0, 3)).toEqual(['Start web-2', 'New machine', 'Go to machines']);
    expect(found('web')[0]).toBe('web-1');
    expect(found('web', { recent: ['open local/default/web-2'] })[0]).toBe('web-2');
  });

  it('forgets recent ones that are not possible any more', () => {
    expect(found('', { recent: ['stop local/default/web-2', 'open local/default/gone'] })[0]).toBe('Go to machines');
  });

  it('offers nothing for what is nowhere, and no more than can be read', () => {
    expect(found('zzz')).toEqual([]);
    const many = Array.from({ length: 10_000 }, (_, at) => sampleMachine(`m-${at}`));
    expect(found('m', { machines: many })).toHaveLength(40);
  });
});
