import { describe, expect, it } from 'vitest';
import { mountOf } from './mounts.ts';
import { labelName, Page } from './text.ts';

describe('a page in Prometheus’ text format', () => {
  it('keeps the lines of a family together', () => {
    const page = new Page();
    page.family('a_total', 'counter', 'First.').set(1, { name: 'x' });
    page.family('b', 'gauge', 'Second.').set(0.5);
    page.family('a_total', 'counter', 'First.').set(2e21, { name: 'y' });
    expect(page.text()).toBe('# HELP a_total First.\n# TYPE a_total counter\na_total{name="x"} 1\na_total{name="y"} 2e+21\n# HELP b Second.\n# TYPE b gauge\nb 0.5\n');
  });

  it('escapes what would end a text', () => {
    const page = new Page();
    page.family('a', 'gauge', 'Two\nlines and a \\.').set(1, { path: 'C:\\"x"\ny' });
    expect(page.text()).toBe('# HELP a Two\\nlines and a \\\\.\n# TYPE a gauge\na{path="C:\\\\\\"x\\"\\ny"} 1\n');
  });

  it('leaves out what is not known: figures, labels, and families of nothing', () => {
    const page = new Page();
    page.family('a', 'gauge', 'A.').set(undefined);
    page.family('b', 'gauge', 'B.').set(NaN, { node: 'n' });
    page.family('c', 'gauge', 'C.').set(Infinity, { node: undefined, os: '', name: 'n' });
    expect(page.text()).toBe('# HELP c C.\n# TYPE c gauge\nc{name="n"} +Inf\n');
  });

  it('makes names of labels', () => {
    expect(labelName('vm.kubevirt.io/my-label')).toBe('vm_kubevirt_io_my_label');
  });
});

describe('the mount of a folder', () => {
  const mounts = 'overlay / overlay rw 0 0\n/dev/sda1 /home ext4 rw 0 0\n/dev/sdb1 /home/my\\040disks xfs rw 0 0\n/dev/sdc1 /homer ext4 rw 0 0\n';

  it('is the innermost', () => {
    expect(mountOf(mounts, '/home/my disks/a')).toEqual({ device: '/dev/sdb1', type: 'xfs', point: '/home/my disks' });
    expect(mountOf(mounts, '/home/else')?.device).toBe('/dev/sda1');
    expect(mountOf(mounts, '/homeless')?.device).toBe('overlay');
    expect(mountOf('', '/home')).toBeUndefined();
  });
});
