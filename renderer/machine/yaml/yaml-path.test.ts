import { expect, it } from 'vitest';
import { placeAt } from './yaml-path.ts';

const text = `apiVersion: kubevirt.io/v1
metadata:
  name: pear
spec:
  template:
    spec:
      domain:
        devices:
          disks:
            - name: root
              disk:
                bus: virtio
            - name: seed
              cdrom:
                bus: sata
          interfaces:
          - name: default
            masquerade: {}
      # a remark

      networks: []
`;
const lines = text.split('\n');

/** The place at `▮`, which stands behind the words that are looked for. */
function at(words: string, occurrence = 0): ReturnType<typeof placeAt> {
  const numbers = lines.flatMap((line, index) => (line.includes(words) ? [index] : []));
  const number = numbers[occurrence] ?? -1;
  return placeAt(lines, number, (lines[number] ?? '').indexOf(words) + words.length);
}

const devices = ['spec', 'template', 'spec', 'domain', 'devices'];

it.each([
  ['apiVersion', 0, { path: [], key: 'apiVersion', inValue: false }],
  ['name: pear', 0, { path: ['metadata'], key: 'name', inValue: true }],
  ['disks', 0, { path: devices, key: 'disks', inValue: false }],
  ['name: root', 0, { path: [...devices, 'disks', 0], key: 'name', inValue: true }],
  ['bus: virtio', 0, { path: [...devices, 'disks', 0, 'disk'], key: 'bus', inValue: true }],
  ['name: seed', 0, { path: [...devices, 'disks', 1], key: 'name', inValue: true }],
  ['bus: sata', 0, { path: [...devices, 'disks', 1, 'cdrom'], key: 'bus', inValue: true }],
  ['masquerade', 0, { path: [...devices, 'interfaces', 0], key: 'masquerade', inValue: false }],
  ['networks', 0, { path: ['spec', 'template', 'spec'], key: 'networks', inValue: false }],
])('finds “%s”', (words, occurrence, place) => expect(at(words, occurrence)).toEqual(place));

it('finds a place that is only being typed', () => {
  const typed = ['spec:', '  template:', '    spec:', '      dom'];
  expect(placeAt(typed, 3, 9)).toEqual({ path: ['spec', 'template', 'spec'], key: 'dom', inValue: false });
  expect(placeAt([...typed.slice(0, 3), '      '], 3, 6)).toEqual({ path: ['spec', 'template', 'spec'], key: '', inValue: false });
  expect(placeAt(['disks:', '  - '], 1, 4)).toEqual({ path: ['disks', 0], key: '', inValue: false });
});
