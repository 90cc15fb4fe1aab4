import { describe, expect, it } from 'vitest';
import type { RunStrategy, StateChangeRequest, VirtualMachine, VirtualMachineInstance, VmiPhase } from '#shared/kube/kubevirt.ts';
import { decide, openRequests, startsPaused, type Decision } from './run-decision.ts';

const start: StateChangeRequest = { action: 'Start' };
const stop: StateChangeRequest = { action: 'Stop', uid: 'u' };

function machine(runStrategy: RunStrategy, requests: StateChangeRequest[] = [], known?: RunStrategy): VirtualMachine {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'm', namespace: 'default' },
    spec: { runStrategy, template: { spec: { domain: { devices: {} } } } },
    status: { ...(requests.length > 0 ? { stateChangeRequests: requests } : {}), ...(known ? { runStrategy: known } : {}) },
  };
}

function instance(phase: VmiPhase, uid = 'u'): VirtualMachineInstance {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    metadata: { name: 'm', namespace: 'default', uid },
    spec: { domain: { devices: {} } },
    status: { phase },
  };
}

type Row = [RunStrategy, VmiPhase | 'none', StateChangeRequest | undefined, Decision];

describe('what a run strategy asks for', () => {
  it.each<Row>([
    ['Always', 'none', undefined, 'start'],
    ['Always', 'Running', undefined, 'leave'],
    ['Always', 'Running', stop, 'stop'],
    ['Always', 'Succeeded', undefined, 'stop'],
    ['Always', 'Failed', undefined, 'stop'],
    ['RerunOnFailure', 'none', undefined, 'leave'],
    ['RerunOnFailure', 'none', start, 'start'],
    ['RerunOnFailure', 'Running', undefined, 'leave'],
    ['RerunOnFailure', 'Running', stop, 'stop'],
    ['RerunOnFailure', 'Succeeded', undefined, 'stop'],
    ['RerunOnFailure', 'Failed', undefined, 'stop'],
    ['Manual', 'none', undefined, 'leave'],
    ['Manual', 'none', start, 'start'],
    ['Manual', 'Running', stop, 'stop'],
    ['Manual', 'Failed', undefined, 'leave'],
    ['Manual', 'Succeeded', stop, 'stop'],
    ['Once', 'none', undefined, 'start'],
    ['Once', 'Succeeded', undefined, 'leave'],
    ['Once', 'Failed', undefined, 'leave'],
    ['Halted', 'none', undefined, 'leave'],
    ['Halted', 'none', start, 'leave'],
    ['Halted', 'none', { ...start, data: { paused: 'true' } }, 'switch-on'],
    ['Halted', 'Running', undefined, 'stop'],
    ['Halted', 'Succeeded', undefined, 'stop'],
  ])('%s with an instance that is %s, asked for %o: %s', (strategy, phase, request, decision) => {
    const vm = machine(strategy, request ? [request] : [], strategy);
    expect(decide({ vm, vmi: phase === 'none' ? undefined : instance(phase) })).toBe(decision);
  });

  it('RerunOnFailure begins by itself when it is new', () => {
    expect(decide({ vm: machine('RerunOnFailure'), vmi: undefined })).toBe('start');
    expect(decide({ vm: machine('RerunOnFailure', [], 'Halted'), vmi: undefined })).toBe('start');
  });

  it('does not stop another instance than the one that was meant', () => {
    expect(decide({ vm: machine('Manual', [stop]), vmi: instance('Running', 'another') })).toBe('leave');
  });
});

describe('requests', () => {
  const open = (requests: StateChangeRequest[], vmi?: VirtualMachineInstance, strategy: RunStrategy = 'Manual'): StateChangeRequest[] =>
    openRequests({ vm: machine(strategy, requests), vmi });

  it('are seen to one after the other', () => {
    expect(open([stop, start], instance('Running'))).toEqual([stop, start]);
    expect(open([stop, start])).toEqual([start]);
    expect(open([stop, start], instance('Running', 'next'))).toEqual([]);
  });

  it('to start stay open while what ended makes way', () => {
    expect(open([start], instance('Failed'))).toEqual([start]);
    const leaving = instance('Running');
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(open([start], leaving)).toEqual([start]);
  });

  it('to start again are dropped when the machine is halted meanwhile', () => {
    expect(open([stop, start], instance('Running'), 'Halted')).toEqual([stop]);
    expect(open([start], undefined, 'Halted')).toEqual([]);
  });

  it('may ask for a paused start', () => {
    expect(startsPaused(machine('Manual', [{ action: 'Start', data: { paused: 'true' } }]))).toBe(true);
    expect(startsPaused(machine('Manual', [start]))).toBe(false);
  });
});
