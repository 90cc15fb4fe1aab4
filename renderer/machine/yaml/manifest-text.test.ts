import { expect, it } from 'vitest';
import { comparable, toManifest, toText, withRevision } from './manifest-text.ts';
import { without } from './without.ts';

const object = {
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name: 'pear', resourceVersion: '7', generation: 2, annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', own: 'x' }, managedFields: [{ manager: 'kubectl' }] },
  spec: { running: true },
  status: { ready: true },
};

it('shows what can be edited, and the rest when asked', () => {
  const plain = toText(object, { managedFields: false, status: false });
  expect(plain).not.toMatch(/managedFields|last-applied|status/);
  expect(plain).toMatch(/^apiVersion: kubevirt.io\/v1\nkind: VirtualMachine\nmetadata:\n {2}name: pear/);
  const all = toText(object, { managedFields: true, status: true });
  expect(all).toMatch(/managedFields:/);
  expect(all).toMatch(/last-applied-configuration/);
  expect(all).toMatch(/^status:\n {2}ready: true$/m);
});

it('sends what was not shown as it was, and nothing that is the cluster’s own', () => {
  for (const shown of [true, false]) {
    const sent = toManifest(toText(object, { managedFields: shown, status: shown }), object);
    expect(sent).toEqual({ ...without(object, 'status'), metadata: without(object.metadata, 'managedFields') });
  }
});

it('takes no text that is no object', () => {
  expect(() => toManifest('- a\n', object)).toThrow(/object/);
  expect(() => toManifest('a: [', object)).toThrow();
});

it('compares without what the cluster counts', () => {
  expect(comparable(object)).toEqual(comparable({ ...object, status: {}, metadata: { ...object.metadata, resourceVersion: '8', generation: 3, managedFields: [] } }));
});

it('moves what was typed on to a newer revision, and touches nothing else', () => {
  const newer = { ...object, metadata: { ...object.metadata, resourceVersion: '8', generation: 3 } };
  const typed = `# mine\n${toText(object, { managedFields: false, status: false }).replace('running: true', "running: false # resourceVersion: '7'")}`;
  expect(withRevision(typed, object, newer)).toBe(typed.replace('resourceVersion: "7"', 'resourceVersion: "8"').replace('generation: 2', 'generation: 3'));
  const byHand = typed.replace('"7"', '"5"');
  expect(withRevision(byHand, object, newer)).toContain('resourceVersion: "5"');
});
