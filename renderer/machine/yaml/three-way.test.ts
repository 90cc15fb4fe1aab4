import { expect, it } from 'vitest';
import { mergeThreeWays, takeTheirs } from './three-way.ts';

const base = { spec: { cores: 1, memory: '1Gi', disks: [{ name: 'root', bus: 'virtio' }, { name: 'cd', bus: 'sata' }] }, labels: { a: '1' } };

it('takes both changes where they touch different things', () => {
  const yours = { ...base, spec: { ...base.spec, cores: 4 } };
  const theirs = { ...base, spec: { ...base.spec, memory: '2Gi', disks: [...base.spec.disks, { name: 'data', bus: 'scsi' }] }, labels: { a: '1', b: '2' } };
  expect(mergeThreeWays(base, yours, theirs)).toEqual({
    merged: { spec: { cores: 4, memory: '2Gi', disks: theirs.spec.disks }, labels: { a: '1', b: '2' } },
    conflicts: [],
  });
});

it('tells where both changed the same, and keeps yours until theirs is chosen', () => {
  const yours = { ...base, spec: { ...base.spec, cores: 4, disks: [{ name: 'root', bus: 'scsi' }, base.spec.disks[1]] } };
  const theirs = { ...base, spec: { ...base.spec, cores: 2, disks: [{ name: 'root', bus: 'sata' }, base.spec.disks[1]] } };
  const { merged, conflicts } = mergeThreeWays(base, yours, theirs);
  expect(merged).toEqual(yours);
  expect(conflicts.map(({ path, base: before, yours: mine, theirs: other }) => [path.join('.'), before, mine, other])).toEqual([
    ['spec.cores', 1, 4, 2],
    ['spec.disks.root.bus', 'virtio', 'scsi', 'sata'],
  ]);
  expect(conflicts.reduce<unknown>(takeTheirs, merged)).toEqual(theirs);
});

it('lets what one removed stay away, and asks when the other changed it', () => {
  const [root] = base.spec.disks;
  const removed = { ...base, spec: { ...base.spec, disks: [root] } };
  expect(mergeThreeWays(base, base, removed)).toEqual({ merged: removed, conflicts: [] });
  const changed = { ...base, spec: { ...base.spec, disks: [root, { name: 'cd', bus: 'scsi' }] } };
  const { merged, conflicts } = mergeThreeWays(base, removed, changed);
  expect(merged).toEqual(removed);
  expect(conflicts).toHaveLength(1);
  expect(conflicts.reduce<unknown>(takeTheirs, merged)).toEqual(changed);
});
