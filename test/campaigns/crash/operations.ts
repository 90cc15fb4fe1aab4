/** One random operation after the other, each noted in the world before it is sent and once it was answered. */
import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import type { RigEngine } from '../../rig/engine.ts';
import type { Answer } from '../../rig/engine-client.ts';
import type { Random } from '../random.ts';
import { clone, restore, takeSnapshot } from './snapshot-operations.ts';
import { actions, clones, MARK, paths, reset, type Known, type World } from './world.ts';

const diskBytes = 256 * 1024;
const mergePatch = { 'content-type': 'application/merge-patch+json' };
export type Engine = Pick<RigEngine, 'api' | 'endpoint' | 'ca'>;

/** Works until the engine is gone or `stopped` says so. A rejected call is what a killed engine looks like. */
export async function operate(engine: Engine, world: World, random: Random, stopped: () => boolean): Promise<number> {
  let count = 0;
  while (!stopped()) {
    const item = world.pick(random);
    if (!item) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      continue;
    }
    item.busy = true;
    try {
      await actOn(engine, world, random, item);
      count += 1;
    } catch (error) {
      if (error instanceof Unexpected) throw error;
      return count;
    } finally {
      item.busy = false;
    }
  }
  return count;
}

/** The engine answered what it must not. */
export class Unexpected extends Error {
  override readonly name = 'Unexpected';
}

async function actOn(engine: Engine, world: World, random: Random, item: Known): Promise<void> {
  if (item.kind === 'snapshot' || item.kind === 'copy') {
    if (item.exists === 'no' || item.exists === 'going') return item.kind === 'snapshot' ? takeSnapshot(engine, world, random, item) : clone(engine, world, random, item);
    // Whether it came to be is seen once everything has settled.
    if (item.kind === 'copy' && item.exists === 'unsure') return;
  }
  if (item.exists === 'no' || item.exists === 'going') return create(engine, world, random, item);
  if (item.exists === 'unsure') return remove(engine, item);
  if (random.chance(0.12)) return remove(engine, item);
  if (random.chance(0.25)) return mark(engine, world, item);
  if (item.kind === 'machine' && world.snapshots && random.chance(0.2)) return restore(engine, world, random, item);
  if (item.kind === 'machine' || item.kind === 'copy') return power(engine, random, item);
  if (item.kind === 'disk' && item.content === undefined) return upload(engine, item);
  return mark(engine, world, item);
}

async function create(engine: Engine, world: World, random: Random, item: Known): Promise<void> {
  const going = item.exists === 'going';
  const value = world.nextMark();
  const body = bodyOf(item, random, value);
  reset(item, 'unsure');
  item.marks = new Set([value]);
  const answer = await engine.api('POST', paths[item.kind], body);
  if (answer.status === 201) {
    const made = answer.json<{ metadata: { uid: string }; spec?: { runStrategy?: string } }>();
    item.exists = 'yes';
    item.uid = made.metadata.uid;
    if (made.spec?.runStrategy !== undefined) item.strategies = new Set([made.spec.runStrategy]);
  } else if (answer.status === 409 && going) {
    // The one before is not gone yet.
    reset(item, 'going');
  } else if (!answer.text.includes('"no-space"')) {
    tolerate(answer, [409, 507], `create ${item.name}`);
  }
}

function bodyOf(item: Known, random: Random, value: string): object {
  const metadata = { name: item.name, annotations: { [MARK]: value } };
  switch (item.kind) {
    case 'note':
      return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { words: 'x'.repeat(random.below(2000)) } };
    case 'disk':
      return {
        apiVersion: 'cdi.kubevirt.io/v1beta1',
        kind: 'DataVolume',
        metadata,
        spec: { source: random.chance(0.5) ? { upload: {} } : { blank: {} }, storage: { resources: { requests: { storage: '1Mi' } } } },
      };
    case 'snapshot':
    case 'copy':
      throw new Error(`A ${item.kind} is made of something.`);
    case 'machine':
      return machine(item.name, metadata, random);
  }
}

function machine(name: string, metadata: object, random: Random): object {
  const withDisk = random.chance(0.5);
  const volume = `${name}-root`;
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata,
    spec: {
      runStrategy: random.pick(['Always', 'Always', 'RerunOnFailure', 'Manual', 'Halted']),
      ...(withDisk
        ? { dataVolumeTemplates: [{ metadata: { name: volume }, spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '1Mi' } } } } }] }
        : {}),
      template: {
        spec: {
          terminationGracePeriodSeconds: 0,
          domain: {
            memory: { guest: '32Mi' },
            devices: { autoattachPodInterface: false, autoattachMemBalloon: false, ...(withDisk ? { disks: [{ name: 'root', disk: {} }] } : {}) },
          },
          ...(withDisk ? { volumes: [{ name: 'root', dataVolume: { name: volume } }] } : {}),
        },
      },
    },
  };
}

export async function remove(engine: Engine, item: Known): Promise<void> {
  item.exists = 'unsure';
  item.content = undefined;
  if (item.clone !== undefined) await engine.api('DELETE', `${clones}/${item.clone}`);
  const answer = await engine.api('DELETE', `${paths[item.kind]}/${item.name}`);
  if (answer.status === 404) reset(item, 'no');
  else if (answer.status < 300) reset(item, 'going');
  else tolerate(answer, [409, 507], `delete ${item.name}`);
}

async function mark(engine: Engine, world: World, item: Known): Promise<void> {
  const value = world.nextMark();
  item.marks.add(value);
  const answer = await engine.api('PATCH', `${paths[item.kind]}/${item.name}`, { metadata: { annotations: { [MARK]: value } } }, mergePatch);
  if (answer.status === 200) item.marks = new Set([value]);
  else {
    item.marks.delete(value);
    tolerate(answer, [507], `patch ${item.name}`);
  }
}

async function power(engine: Engine, random: Random, item: Known): Promise<void> {
  const action = random.pick(['start', 'start', 'stop', 'restart', 'pause', 'unpause', 'reset']);
  const onGuest = ['pause', 'unpause', 'reset'].includes(action);
  const path = `${actions}/${onGuest ? 'virtualmachineinstances' : 'virtualmachines'}/${item.name}/${action}`;
  const next = action === 'start' ? 'Always' : action === 'stop' ? 'Halted' : undefined;
  const before = new Set(item.strategies);
  if (next !== undefined && (before.has('Always') || before.has('Halted'))) item.strategies.add(next);
  const answer = await engine.api('PUT', path, action === 'stop' && random.chance(0.5) ? { gracePeriod: 0 } : undefined);
  if (answer.status >= 300) item.strategies = before;
  else if (next !== undefined && item.strategies.has(next)) item.strategies = new Set([next]);
  // Told so in Kubernetes' own words: the machine is not in a state for it, or is asked for something already.
  tolerate(answer, [404, 409, 500, 503, 507], `${action} ${item.name}`);
  if (answer.status === 500 && !answer.text.includes('already underway')) throw new Unexpected(`${action} ${item.name}: ${answer.text}`);
}

async function upload(engine: Engine, item: Known): Promise<void> {
  const asked = await engine.api('POST', '/apis/upload.cdi.kubevirt.io/v1beta1/namespaces/default/uploadtokenrequests', {
    apiVersion: 'upload.cdi.kubevirt.io/v1beta1',
    kind: 'UploadTokenRequest',
    metadata: { name: item.name },
    spec: { pvcName: item.name },
  });
  if (asked.status >= 300) return;
  const content = randomBytes(diskBytes);
  content.writeUInt16LE(0xaa55, 510);
  const token = asked.json<{ status: { token: string } }>().status.token;
  const status = await post(engine, token, content);
  // Refused where the disk is a blank one, or is not ready for it.
  if (status === 200) item.content = content;
}

function post(engine: Engine, token: string, content: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const sending = request(
      `${engine.endpoint}/v1beta1/upload`,
      { method: 'POST', ca: engine.ca, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' } },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', reject);
      },
    );
    sending.on('error', reject);
    sending.end(content);
  });
}

export function tolerate(answer: Answer, codes: readonly number[], what: string): void {
  if (answer.status >= 300 && !codes.includes(answer.status)) throw new Unexpected(`${what}: ${answer.status} ${answer.text}`);
}
