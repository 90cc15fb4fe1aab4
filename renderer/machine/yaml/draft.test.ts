import { beforeEach, expect, it, vi } from 'vitest';
import { HayloftError } from '#shared/contract/errors.ts';
import { connection } from '../../state/connection.svelte.ts';
import { Draft } from './draft.svelte.ts';

interface Machine {
  metadata: { name: string; resourceVersion: string; generation: number; labels?: Record<string, string> };
  spec: { cores: number };
  status?: object;
}

let stored: Machine;
let sent: Machine[];

beforeEach(() => {
  stored = { metadata: { name: 'pear', resourceVersion: '7', generation: 2 }, spec: { cores: 1 } };
  sent = [];
  vi.spyOn(connection, 'call').mockImplementation((name: string, input: unknown) => {
    if (name === 'manifests.get') return Promise.resolve({ json: JSON.stringify(stored) });
    const machine = JSON.parse((input as { json: string }).json) as Machine;
    sent.push(machine);
    const current = machine.metadata.resourceVersion === stored.metadata.resourceVersion;
    return current ? Promise.resolve({ json: JSON.stringify(machine) }) : Promise.reject(new HayloftError('conflict', 'The object has been modified.'));
  });
});

const edited = async (): Promise<Draft> => {
  const draft = new Draft({ clusterId: 'c', namespace: 'default', name: 'pear' }, 'VirtualMachine', () => undefined);
  await draft.load();
  draft.text = draft.text.replace('cores: 1', 'cores: 2 # enough');
  return draft;
};

it('goes on from a newer revision by itself, when only the status has changed', async () => {
  const draft = await edited();
  stored = { ...stored, metadata: { ...stored.metadata, resourceVersion: '8' }, status: { ready: true } };
  await draft.ask();
  expect(draft.conflict).toBeUndefined();
  expect(draft.review).toBeDefined();
  expect(sent.map(({ metadata }) => metadata.resourceVersion)).toEqual(['7', '8']);
  expect(draft.text).toContain('cores: 2 # enough');
  // And once more between the review and its end.
  stored = { ...stored, metadata: { ...stored.metadata, resourceVersion: '9' } };
  expect(await draft.save()).toBe(true);
});

it('asks a person when somebody else changed the machine', async () => {
  const draft = await edited();
  stored = { ...stored, metadata: { ...stored.metadata, resourceVersion: '8', labels: { seen: 'yes' } }, spec: { cores: 4 } };
  await draft.ask();
  expect(draft.review).toBeUndefined();
  expect(draft.conflict?.conflicts).toMatchObject([{ path: ['spec', 'cores'], yours: 2, theirs: 4 }]);
});

it('gives up on a revision that was typed by hand, instead of asking for ever', async () => {
  const draft = await edited();
  draft.text = draft.text.replace('"7"', '"5"');
  stored = { ...stored, metadata: { ...stored.metadata, resourceVersion: '8' } };
  await draft.ask();
  expect(sent).toHaveLength(1);
  expect(draft.conflict?.conflicts).toEqual([]);
});

it('says what went wrong when the newest revision cannot be read either', async () => {
  const draft = await edited();
  const call = vi.spyOn(connection, 'call');
  call.mockRejectedValueOnce(new HayloftError('conflict', 'The object has been modified.')).mockRejectedValueOnce(new HayloftError('unreachable', 'It does not answer.'));
  await draft.ask();
  expect(draft.error?.message).toBe('It does not answer.');
  expect(draft.busy).toBe(false);
});
