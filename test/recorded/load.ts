/** Puts recorded objects into an engine that was started as an API server alone: through its API, as their controllers wrote them. */
import type { KubeObject } from '../../shared/kube/object.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { until } from '../rig/until.ts';

export interface RecordedCluster {
  definitions: readonly KubeObject[];
  /** In the order in which they are to be made. */
  objects: readonly KubeObject[];
}

interface ApiResources {
  resources: { name: string; kind: string; namespaced: boolean }[];
}

type WithStatus = KubeObject & { status?: unknown };

/** @param dataDir the engine's folder; kept when given */
export async function startRecorded({ definitions, objects }: RecordedCluster, dataDir?: string): Promise<RigEngine> {
  const engine = await startEngine({ flags: ['--api-only'], ...(dataDir === undefined ? {} : { dataDir }) });
  try {
    await load(engine, definitions, objects);
  } catch (error) {
    await engine.destroy();
    throw error;
  }
  return engine;
}

async function load(engine: RigEngine, definitions: readonly KubeObject[], objects: readonly KubeObject[]): Promise<void> {
  for (const definition of definitions) await post(engine, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  const plurals = new Map<string, { plural: string; namespaced: boolean; status: boolean }>();
  for (const apiVersion of new Set(objects.map((object) => object.apiVersion))) await learn(engine, apiVersion, plurals);
  for (const object of objects) await put(engine, object, plurals);
}

const base = (apiVersion: string): string => (apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`);

/** Definitions are served a moment after they were taken. */
async function learn(engine: RigEngine, apiVersion: string, plurals: Map<string, { plural: string; namespaced: boolean; status: boolean }>): Promise<void> {
  const { resources } = await until(`${apiVersion} to be served`, async () => {
    const answer = await engine.api('GET', base(apiVersion));
    return answer.status === 200 && answer.json<ApiResources>();
  });
  const served = new Set(resources.map(({ name }) => name));
  for (const { name, kind, namespaced } of resources) {
    if (!name.includes('/')) plurals.set(`${apiVersion}/${kind}`, { plural: name, namespaced, status: served.has(`${name}/status`) });
  }
}

async function put(engine: RigEngine, object: WithStatus, plurals: ReadonlyMap<string, { plural: string; namespaced: boolean; status: boolean }>): Promise<void> {
  const known = plurals.get(`${object.apiVersion}/${object.kind}`);
  if (!known) throw new Error(`${object.apiVersion} ${object.kind} is not served.`);
  const { plural, namespaced, status } = known;
  const list = `${base(object.apiVersion)}${namespaced ? `/namespaces/${object.metadata.namespace ?? 'default'}` : ''}/${plural}`;
  const made = await post(engine, list, object);
  if (object.status === undefined || !status) return;
  const answer = await engine.api('PUT', `${list}/${object.metadata.name ?? ''}/status`, { ...made, status: object.status });
  if (answer.status !== 200) throw new Error(answer.text);
}

async function post(engine: RigEngine, path: string, object: KubeObject): Promise<KubeObject> {
  const answer = await engine.api('POST', path, object);
  if (answer.status !== 201) throw new Error(`${object.kind} ${object.metadata.name ?? ''}: ${answer.text}`);
  return answer.json<KubeObject>();
}
