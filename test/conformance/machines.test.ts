import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { qemuProcesses } from '../rig/processes.ts';
import { until } from '../rig/until.ts';

const actions = '/apis/subresources.kubevirt.io/v1/namespaces/default';
let engine: RigEngine;

beforeAll(async () => {
  engine = await startEngine();
});

afterAll(() => engine.destroy());

function machine(name: string, change: { runStrategy?: string; memory?: string; extra?: object; devices?: object } = {}): string {
  return stringify({
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name },
    spec: {
      runStrategy: change.runStrategy ?? 'Halted',
      dataVolumeTemplates: [
        { metadata: { name: `${name}-root` }, spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '1Gi' } } } } },
      ],
      template: {
        spec: {
          domain: {
            memory: { guest: change.memory ?? '128Mi' },
            devices: { disks: [{ name: 'root', disk: { bus: 'virtio' } }], ...change.devices },
          },
          volumes: [{ name: 'root', dataVolume: { name: `${name}-root` } }],
          ...change.extra,
        },
      },
    },
  });
}

const apply = (text: string): string => engine.kubectl(['apply', '-f', '-'], text);
const act = (kind: string, name: string, action: string, body?: unknown): ReturnType<RigEngine['api']> =>
  engine.api('PUT', `${actions}/${kind}/${name}/${action}`, body);
const statusOf = (name: string): string =>
  engine.kubectl(['get', 'vm', name, '-o', 'jsonpath={.status.printableStatus}']);
const uidOf = (name: string): string => engine.kubectl(['get', 'vmi', name, '-o', 'jsonpath={.metadata.uid}']);
const reaches = (name: string, status: string): Promise<unknown> => until(`${name} to be ${status}`, () => statusOf(name) === status);

describe('a machine', () => {
  it('is made, started, paused, resumed, restarted, forced off and deleted', async () => {
    expect(apply(machine('life'))).toContain('created');
    await reaches('life', 'Stopped');
    expect((await act('virtualmachines', 'life', 'stop')).status).toBe(409);

    expect((await act('virtualmachines', 'life', 'start')).status).toBe(202);
    engine.kubectl(['wait', '--for=condition=Ready', 'vm/life', '--timeout=30s']);
    expect(engine.kubectl(['get', 'vm,vmi,dv,pvc,nodes', '-A'])).toMatch(/life\s+\d+s\s+Running\s+True/);
    expect((await act('virtualmachines', 'life', 'start')).status).toBe(409);

    expect((await act('virtualmachineinstances', 'life', 'pause')).status).toBe(200);
    await reaches('life', 'Paused');
    expect((await act('virtualmachineinstances', 'life', 'pause')).status).toBe(409);
    expect((await act('virtualmachineinstances', 'life', 'unpause')).status).toBe(200);
    await reaches('life', 'Running');

    const first = uidOf('life');
    expect((await act('virtualmachines', 'life', 'restart', { gracePeriodSeconds: 5 })).status).toBe(400);
    expect((await act('virtualmachines', 'life', 'restart', { gracePeriodSeconds: 0 })).status).toBe(202);
    await until('another instance', () => statusOf('life') === 'Running' && uidOf('life') !== first);
    expect(qemuProcesses(first)).toEqual([]);

    expect((await act('virtualmachines', 'life', 'stop', { gracePeriod: 0 })).status).toBe(202);
    await reaches('life', 'Stopped');
    expect(engine.kubectl(['get', 'vmi'])).toBe('');

    engine.kubectl(['delete', 'vm', 'life']);
    expect(engine.kubectl(['get', 'vm,dv,pvc'])).toBe('');
  });

  it('takes its guest and its disks along when it is deleted while it runs', async () => {
    apply(machine('gone', { runStrategy: 'Always', extra: { terminationGracePeriodSeconds: 0 } }));
    await reaches('gone', 'Running');
    const uid = uidOf('gone');
    engine.kubectl(['delete', 'vm', 'gone', '--timeout=30s']);
    expect(qemuProcesses(uid)).toEqual([]);
    await until('its disk to go', () => engine.kubectl(['get', 'dv,pvc']) === '');
  });

  it('is started again when its process is killed', async () => {
    apply(machine('phoenix', { runStrategy: 'RerunOnFailure' }));
    await reaches('phoenix', 'Running');
    const first = uidOf('phoenix');
    process.kill(qemuProcesses(first)[0]?.pid ?? 0, 'SIGKILL');
    await until('another instance', async () => {
      const found = await engine.api('GET', '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/phoenix');
      const vmi = found.json<{ metadata?: { uid: string }; status?: { phase?: string } }>();
      return vmi.metadata?.uid !== undefined && vmi.metadata.uid !== first && vmi.status?.phase === 'Running';
    });
    expect(engine.kubectl(['describe', 'vm', 'phoenix'])).toContain('SuccessfulCreate');
  });
});

describe('an engine that is killed', () => {
  it('finds its guests running when it comes back, and their consoles answer', async () => {
    apply(machine('lasting', { runStrategy: 'Always' }));
    await reaches('lasting', 'Running');
    const uid = uidOf('lasting');
    const [before] = qemuProcesses(uid);
    await engine.program.stop('SIGKILL');
    expect(qemuProcesses(uid).map(({ pid }) => pid)).toEqual([before?.pid]);

    engine = await startEngine({ dataDir: engine.dataDir });
    await reaches('lasting', 'Running');
    expect(uidOf('lasting')).toBe(uid);
    expect(qemuProcesses(uid).map(({ pid }) => pid)).toEqual([before?.pid]);
    const shot = await engine.api('GET', `${actions}/virtualmachineinstances/lasting/vnc/screenshot`);
    expect(shot.status).toBe(200);
    expect(shot.text.slice(1, 4)).toBe('PNG');
  });
});

describe('what cannot be honoured is refused by its path', () => {
  it.each([
    ['a GPU', { devices: { gpus: [{ name: 'g' }] } }, 'spec.template.spec.domain.devices.gpus'],
    ['a container disk', { extra: { volumes: [{ name: 'root', containerDisk: { image: 'x' } }] } }, 'volumes[0].containerDisk'],
    ['more memory than there is', { memory: '1Ti' }, 'this computer has'],
    ['a disk without a volume', { extra: { volumes: [] } }, 'there is no volume "root"'],
  ])('%s', (_what, change, words) => {
    expect(() => apply(machine('refused', change))).toThrow(words);
    expect(engine.kubectl(['get', 'vm', 'refused', '--ignore-not-found'])).toBe('');
  });

  it('an unknown field', () => {
    expect(() => apply(machine('refused', { devices: { nonsense: 1 } }))).toThrow(/strict decoding error: unknown field.*nonsense/);
  });

  it('a screen of a machine that has none', async () => {
    apply(machine('blind', { runStrategy: 'Always', devices: { autoattachGraphicsDevice: false } }));
    await reaches('blind', 'Running');
    const shot = await engine.api('GET', `${actions}/virtualmachineinstances/blind/vnc/screenshot`);
    expect(shot.status).toBeGreaterThanOrEqual(400);
  });
});
