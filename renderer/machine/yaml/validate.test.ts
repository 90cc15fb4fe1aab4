import { expect, it } from 'vitest';
import { KindSchema } from './schema.ts';
import { findProblems } from './validate.ts';

const schema = new KindSchema('Machine', {
  Machine: {
    type: 'object',
    required: ['spec'],
    properties: {
      metadata: { description: 'Here', allOf: [{ $ref: '#/components/schemas/Meta' }] },
      spec: {
        type: 'object',
        properties: {
          cores: { type: 'integer', description: 'How many.' },
          running: { type: 'boolean' },
          strategy: { type: 'string', enum: ['Always', 'Halted'] },
          memory: { 'x-kubernetes-int-or-string': true },
          disks: { type: 'array', items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } },
        },
      },
    },
  },
  Meta: { type: 'object', description: 'Of all', properties: { labels: { type: 'object', additionalProperties: { type: 'string' } } } },
});

const told = (text: string): string[] => findProblems(text, schema).map(({ from, to, message }) => `${text.slice(from, to).trim()}: ${message}`);

it('finds nothing wrong with what is right', () => {
  expect(told('metadata:\n  labels:\n    any: text\nspec:\n  cores: 2\n  memory: 1Gi\n  strategy: Always\n  disks:\n    - name: root\n')).toEqual([]);
});

it.each([
  ['spec:\n  coresx: 2\n', 'coresx: coresx is not known here, and would be refused.'],
  ['spec:\n  cores: two\n', 'two: cores is to be an integer.'],
  ['spec:\n  strategy: Sometimes\n', 'Sometimes: strategy is to be one of Always, Halted.'],
  ['spec:\n  disks: []\nmetadata:\n  labels:\n    a: 1\n', '1: a is to be a string (in quotes).'],
  ['spec:\n  disks:\n    - {}\n', '{: name is missing.'],
  ['spec:\n  disks:\n    root: 1\n', 'root: 1: disks is to be an array.'],
  ['metadata: {}\n', 'm: spec is missing.'],
])('%j', (text, finding) => expect(told(text)).toEqual([finding]));

it('tells what is no YAML, and nothing more then', () => {
  const [finding, ...more] = findProblems('spec:\n  a: [1\nb: }\n', schema);
  expect(finding?.severity).toBe('error');
  expect(more.every(({ message }) => !message.includes('not known'))).toBe(true);
});

it('keeps what is said of the very place beside what is said of all such', () => {
  expect(schema.at(['metadata'])).toMatchObject({ description: 'Here', type: 'object' });
  expect(schema.at(['spec', 'disks', 3, 'name'])).toEqual({ type: 'string' });
  expect(schema.at(['metadata', 'labels', 'any'])).toEqual({ type: 'string' });
  expect(schema.at(['spec', 'nothing', 'here'])).toBeUndefined();
});
