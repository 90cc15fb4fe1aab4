/** The fuzz campaign: whatever is sent, the engine answers or hangs up in time, says nothing like "my fault", and stays as light. */
import { readFileSync, rmSync } from 'node:fs';
import { startEngine, type RigEngine } from '../../rig/engine.ts';
import { qemuProcesses } from '../../rig/processes.ts';
import { until } from '../../rig/until.ts';
import { randomFrom } from '../random.ts';
import { exchange } from './exchange.ts';
import { fuzzRequest } from './requests.ts';
import { everyKind } from './schemas.ts';
import { guest } from './streams.ts';

const lanes = 4;
/** What garbage collection leaves about, in KiB. */
const marginKb = 120 * 1024;

/** KubeVirt answers 500 where a guest has no agent. */
const byDesign = (status: number, line: string): boolean =>
  status < 500 || [503, 504, 507].includes(status) || (status === 500 && /\/(guestosinfo|vnc|restart)\b/.test(line));

const residentKb = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** A kind of its own, and a machine that runs, so that there is something behind the paths. */
async function prepare(engine: RigEngine): Promise<void> {
  const made = async (path: string, body: object): Promise<void> => {
    const { status, text } = await engine.api('POST', path, body);
    if (status !== 201) throw new Error(text);
  };
  await made('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  await made('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: guest.namespace } });
  const machines = `/apis/kubevirt.io/v1/namespaces/${guest.namespace}/virtualmachines`;
  const template = { spec: { domain: { memory: { guest: '64Mi' }, devices: { interfaces: [{ name: 'default', masquerade: {} }] } }, networks: [{ name: 'default', pod: {} }], terminationGracePeriodSeconds: 0 } };
  await made(machines, { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: guest.name }, spec: { runStrategy: 'Always', template } });
  await until('the guest to run', async () => (await engine.api('GET', `${machines}/${guest.name}`)).text.includes('"printableStatus":"Running"'));
}

/** An engine that did not live through it cannot end its guest itself. */
async function end(engine: RigEngine): Promise<void> {
  try {
    await engine.api('DELETE', `/api/v1/namespaces/${guest.namespace}`);
    await engine.destroy();
  } catch {
    await engine.program.stop();
    for (const { pid } of qemuProcesses(engine.dataDir)) process.kill(pid);
    rmSync(engine.dataDir, { recursive: true, force: true });
  }
}

const names = { kind: 'Toy', plural: 'toys', singular: 'toy' };
const toy = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 0, maximum: 100 },
        parts: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } },
        port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
        any: { 'x-kubernetes-preserve-unknown-fields': true },
        colour: { type: 'string', default: 'red', pattern: '^[a-z]+$', nullable: true },
      },
    },
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};
const definition = {
  ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'toys.fuzz.example.org' } },
  spec: { group: 'fuzz.example.org', scope: 'Namespaced', names, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: toy }, subresources: { status: {} } }] },
};

/** @returns how many requests had which status; throws with the seed, the number and the start of a request that broke the property */
export async function fuzzCampaign(options: { seed: number; count: number }): Promise<{ statuses: Map<number, number>; grownKb: number }> {
  const engine = await startEngine();
  const statuses = new Map<number, number>();
  const faults: string[] = [];
  try {
    const random = randomFrom(options.seed);
    await prepare(engine);
    const kinds = await everyKind(engine);
    const { pid } = engine.program;
    let before = 0;
    let sent = 0;
    const lane = async (): Promise<void> => {
      while (sent < options.count && faults.length < 20) {
        const number = sent++;
        // The first tenth warms the engine up.
        if (number === Math.floor(options.count / 10)) before = residentKb(pid);
        const asked = fuzzRequest(random, engine.token, kinds);
        const shown = asked.request.toString('latin1').replaceAll(engine.token, 'TOKEN').slice(0, 900);
        try {
          const { status, text } = await exchange(engine, asked);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (!byDesign(status, shown.split('\r\n')[0] ?? '')) faults.push(`request ${number}: ${status}\n${shown}\n${text.slice(-400)}`);
        } catch (error) {
          faults.push(`request ${number}: ${String(error)}\n${shown}`);
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    const alive = await engine.api('GET', '/version').then(({ status }) => status === 200, () => false);
    if (!alive) throw new Error(`Seed ${options.seed}: the engine is gone.\n${faults.join('\n\n')}\n${engine.program.output().slice(-2000)}`);
    const grownKb = residentKb(pid) - before;
    if (grownKb > marginKb) faults.push(`the engine grew by ${grownKb} KiB`);
    if (faults.length > 0) throw new Error(`Seed ${options.seed}:\n${faults.join('\n\n')}`);
    return { statuses, grownKb };
  } finally {
    await end(engine);
  }
}
