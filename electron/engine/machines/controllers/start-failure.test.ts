import { describe, expect, it } from 'vitest';
import type { VirtualMachineInstance, VmiPhase } from '#shared/kube/kubevirt.ts';
import { nextStartFailure } from './start-failure.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();

function instance(phases: [VmiPhase, number][], uid = 'u'): VirtualMachineInstance {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    metadata: { name: 'm', uid },
    spec: { domain: { devices: {} } },
    status: {
      phase: phases.at(-1)?.[0] ?? '',
      phaseTransitionTimestamps: phases.map(([phase, seconds]) => ({ phase, phaseTransitionTimestamp: ago(seconds) })),
    },
  };
}

const diedAtOnce = instance([['Running', 101], ['Failed', 100]]);

describe('the wait before another start', () => {
  it('grows with the square of the failures, up to five minutes', () => {
    const waits = [0, 1, 2, 3, 9].map((count) => {
      const before = count === 0 ? undefined : { consecutiveFailCount: count, lastFailedVMIUID: 'another' };
      const next = nextStartFailure(before, 'Always', diedAtOnce, now, 0);
      expect(next?.consecutiveFailCount).toBe(count + 1);
      return (Date.parse(next?.retryAfterTimestamp ?? '') - now) / 1000;
    });
    expect(waits).toEqual([10, 40, 90, 160, 300]);
    const most = nextStartFailure(undefined, 'Always', diedAtOnce, now, 0.999);
    expect(Date.parse(most?.retryAfterTimestamp ?? '') - now).toBe(14_000);
  });

  it('counts an instance once, and one that never ran', () => {
    const first = nextStartFailure(undefined, 'Once', instance([['Pending', 5], ['Failed', 4]]), now, 0);
    expect(first?.consecutiveFailCount).toBe(1);
    expect(nextStartFailure(first, 'Once', instance([['Pending', 5], ['Failed', 4]]), now, 0)).toBe(first);
  });

  it('is over once a guest has stayed up, or when nothing starts the machine by itself', () => {
    const before = { consecutiveFailCount: 3, lastFailedVMIUID: 'another' };
    expect(nextStartFailure(before, 'Always', instance([['Running', 11]]))).toBeUndefined();
    expect(nextStartFailure(before, 'Always', instance([['Running', 111], ['Failed', 100]]))).toBeUndefined();
    expect(nextStartFailure(before, 'Always', instance([['Running', 2]]))).toBe(before);
    expect(nextStartFailure(before, 'Manual', diedAtOnce)).toBeUndefined();
  });

  it('takes an early shutdown from within for a failure only where the machine always runs', () => {
    const left = instance([['Running', 101], ['Succeeded', 100]]);
    expect(nextStartFailure(undefined, 'Always', left)?.consecutiveFailCount).toBe(1);
    expect(nextStartFailure({ consecutiveFailCount: 1 }, 'RerunOnFailure', left)).toBeUndefined();
  });

  it('does not count an end that was asked for', () => {
    const asked = structuredClone(diedAtOnce);
    asked.metadata.deletionTimestamp = ago(99);
    expect(nextStartFailure(undefined, 'Always', asked)).toBeUndefined();
  });
});
