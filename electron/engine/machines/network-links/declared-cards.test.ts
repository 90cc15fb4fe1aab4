import { describe, expect, it } from 'vitest';
import type { Interface, VirtualMachineInstance, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import { fixedPart } from '../volumes/declared.ts';
import { cardsNeedRestart, declaredCards, PLUGGED_ANNOTATION, withoutAbsent } from './declared-cards.ts';

const specOf = (...interfaces: Interface[]): VirtualMachineInstanceSpec => ({
  domain: { devices: { interfaces } },
  networks: interfaces.map(({ name, masquerade }) => (masquerade ? { name, pod: {} } : { name, multus: { networkName: name } })),
});
const running = (spec: VirtualMachineInstanceSpec, plugged = ''): VirtualMachineInstance => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachineInstance',
  metadata: { name: 'web', annotations: plugged === '' ? {} : { [PLUGGED_ANNOTATION]: plugged } },
  spec,
  status: { phase: 'Running', interfaces: (spec.domain.devices.interfaces ?? []).map(({ name }) => ({ name })) },
});
const pod: Interface = { name: 'default', masquerade: {} };
const lab: Interface = { name: 'lab', bridge: {} };

describe('interfaces that come and go', () => {
  it('come where they are bridges, without a restart', () => {
    const vmi = running(specOf(pod));
    expect(declaredCards(specOf(pod, lab), vmi)).toEqual({ spec: specOf(pod, lab), plugged: 'lab' });
    expect(cardsNeedRestart(() => specOf(pod, lab), vmi)).toBe(false);
    expect(fixedPart(specOf(pod, lab))).toEqual(fixedPart(specOf(pod)));
    for (const other of [{ ...lab, model: 'e1000' }, { ...lab, acpiIndex: 3 }, { name: 'lab', binding: { name: 'macvtap' } }]) {
      expect(declaredCards(specOf(pod, other), vmi)).toBeUndefined();
      expect(fixedPart(specOf(pod, other))).not.toEqual(fixedPart(specOf(pod)));
    }
    expect(declaredCards(specOf(pod, { ...lab, state: 'absent' }), vmi)).toBeUndefined();
    expect(declaredCards(specOf(pod, lab), { ...vmi, status: { phase: 'Scheduled' } })).toBeUndefined();
  });

  it('go when they are absent, and are forgotten once the guest has let go', () => {
    const absent = specOf(pod, { ...lab, state: 'absent' });
    const vmi = running(absent, 'lab');
    expect(declaredCards(absent, vmi)).toBeUndefined();
    expect(declaredCards(absent, { ...vmi, status: { phase: 'Running', interfaces: [{ name: 'default' }] } })).toEqual({ spec: specOf(pod), plugged: '' });
    expect(cardsNeedRestart(() => absent, vmi)).toBe(false);
  });

  it('need a restart where they were there at the start, or are others', () => {
    const vmi = running(specOf(pod, lab));
    expect(cardsNeedRestart(() => specOf(pod, lab), vmi)).toBe(false);
    expect(cardsNeedRestart(() => specOf(pod, { ...lab, state: 'down' }), vmi)).toBe(false);
    expect(cardsNeedRestart(() => specOf(pod, { ...lab, state: 'absent' }), vmi)).toBe(true);
    expect(cardsNeedRestart(() => specOf(pod, { ...lab, macAddress: '02:00:00:00:00:01' }), vmi)).toBe(true);
    expect(cardsNeedRestart(() => specOf(pod), vmi)).toBe(true);
    const moved = specOf(pod, lab);
    moved.networks = [{ name: 'default', pod: {} }, { name: 'lab', multus: { networkName: 'other' } }];
    expect(cardsNeedRestart(() => moved, vmi)).toBe(true);
  });

  it('are left out at a start when they are absent', () => {
    expect(withoutAbsent(specOf(pod, { ...lab, state: 'absent' }))).toEqual(specOf(pod));
    expect(withoutAbsent(specOf(pod, lab))).toEqual(specOf(pod, lab));
  });
});
