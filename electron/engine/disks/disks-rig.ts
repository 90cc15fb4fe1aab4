/** The disks module over a real store in a temporary folder, and a real HTTP server for its routes: for tests. */
import { owner } from '../access/user.ts';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { DataVolume, DataVolumeSpec } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { KubeObject, ObjectMeta } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import type { Resources } from '../store/resources.ts';
import { openStore } from '../store/store.ts';
import { quiet } from '../store/test-kinds.ts';
import { createDisksModule, type DisksModule } from './module.ts';

export interface RecordedEvent {
  about: string;
  type: string;
  reason: string;
  message: string;
}

export interface DisksRig {
  dataDir: string;
  resources: Resources;
  module: DisksModule;
  events: RecordedEvent[];
  /** The module's own definitions, as the API server uses them. */
  of<T extends KubeObject>(plural: string): ResourceDefinition<T>;
  volume(name: string, spec: DataVolumeSpec, metadata?: ObjectMeta): DataVolume;
  /** Resolves with the object when it is as wanted; rejects with what it is instead. */
  until<T extends KubeObject>(plural: string, name: string, wanted: (object: T | undefined) => boolean): Promise<T>;
  untilPhase(name: string, phase: string): Promise<DataVolume>;
  token(claimName: string): Promise<string>;
  /** Everything below the disks folder. */
  fileNames(): string[];
  /** Base address of the upload routes, over plain HTTP. */
  address: string;
  /** Stops the module and starts another one over the same folder, as after a restart. */
  restart(): Promise<void>;
}

const patienceMs = 20_000;

export async function startDisks(dataDir = mkdtempSync(join(tmpdir(), 'hayloft-disks-'))): Promise<DisksRig> {
  const storeFolder = mkdtempSync(join(tmpdir(), 'hayloft-store-'));
  const store = openStore(join(storeFolder, 'store.db'), quiet);
  const { resources } = store;
  const events: RecordedEvent[] = [];
  const start = async (): Promise<DisksModule> => {
    const module = createDisksModule({ dataDir, growOpen: () => Promise.resolve(false) });
    await module.start({
      dataDir,
      nodeName: 'test',
      endpoint: 'https://127.0.0.1:1',
      caCertificate: 'PEM',
      followReach: (take) => take({ url: 'https://127.0.0.1:1', ca: 'PEM' }),
      resources,
      events: { record: ({ metadata }, type, reason, message) => events.push({ about: metadata.name ?? '', type, reason, message }) },
      log: quiet,
    });
    return module;
  };
  let module = await start();
  const server = await serve(() => module);
  onTestFinished(async () => {
    await module.stop();
    server.closeAllConnections();
    server.close();
    store.close();
    for (const folder of [dataDir, storeFolder]) rmSync(folder, { recursive: true, force: true });
  });

  const of = <T extends KubeObject>(plural: string): ResourceDefinition<T> => {
    const found = module.definitions.find((definition) => definition.plural === plural);
    if (!found) throw new Error(`No kind is called ${plural}.`);
    return found as ResourceDefinition<T>;
  };
  const rig: DisksRig = {
    dataDir,
    resources,
    get module() {
      return module;
    },
    events,
    of,
    volume: (name, spec, metadata = {}) =>
      resources.create(of<DataVolume>('datavolumes'), {
        apiVersion: 'cdi.kubevirt.io/v1beta1',
        kind: 'DataVolume',
        metadata: { ...metadata, name, namespace: 'default' },
        spec,
      }),
    until: <T extends KubeObject>(plural: string, name: string, wanted: (object: T | undefined) => boolean) =>
      new Promise<T>((resolve, reject) => {
        const look = (): T | undefined => resources.get(of<T>(plural), 'default', name);
        const check = (): void => {
          const object = look();
          if (!wanted(object)) return;
          end();
          resolve(object as T);
        };
        const unsubscribe = resources.subscribe(of<T>(plural), check);
        const deadline = setTimeout(() => {
          end();
          reject(new Error(`${plural} ${name} is ${JSON.stringify(look(), undefined, 1)}`));
        }, patienceMs);
        const end = (): void => {
          unsubscribe();
          clearTimeout(deadline);
        };
        check();
      }),
    untilPhase: (name, phase) => rig.until<DataVolume>('datavolumes', name, (volume) => volume?.status?.phase === phase),
    token: async (claimName) => {
      const answer = await of<KubeObject & { spec: { pvcName: string }; status?: { token?: string } }>('uploadtokenrequests').answer?.({
        apiVersion: 'upload.cdi.kubevirt.io/v1beta1',
        kind: 'UploadTokenRequest',
        metadata: { name: 'token', namespace: 'default' },
        spec: { pvcName: claimName },
      }, owner);
      return answer?.status?.token ?? '';
    },
    fileNames: () => (readdirSync(join(dataDir, 'disks'), { recursive: true }) as string[]).filter((name) => name.includes('.')),
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    restart: async () => {
      await module.stop();
      module = await start();
    },
  };
  return rig;
}

/** Plain HTTP in front of the module's routes: TLS is the API server's business. */
async function serve(module: () => DisksModule): Promise<Server> {
  const server = createServer((request: IncomingMessage, response) => {
    const route = module().raw?.find(({ path, methods }) => path === request.url && methods.includes(request.method ?? ''));
    if (route) void route.handle(request, response);
    else response.writeHead(404).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

export const blank = (storage: string): DataVolumeSpec => ({ source: { blank: {} }, storage: { resources: { requests: { storage } } } });
export const uploadOf = (storage: string): DataVolumeSpec => ({ source: { upload: {} }, storage: { resources: { requests: { storage } } } });

export const claim = (name: string, storage: string): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'default' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
});
