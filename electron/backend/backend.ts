/** The backend: all that the app does, behind the contract. Plain Node; the hosts give it a channel. */
import { join } from 'node:path';
import type { Handlers } from '#shared/channel/handlers.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { access } from './access/access.ts';
import { backupCalls } from './backups/backup-calls.ts';
import { backupWork } from './backups/backup.ts';
import { FileChecks } from './backups/inspect.ts';
import { Jobs } from './backups/jobs.ts';
import { restoreWork } from './backups/restore.ts';
import { clusterCalls } from './clusters/cluster-calls.ts';
import { Clusters } from './clusters/clusters.ts';
import { nodesTopic } from './clusters/nodes.ts';
import { consoleStreams } from './consoles/console-streams.ts';
import { LocalEngine } from './engine/local-engine.ts';
import { SelfCheck } from './engine/self-check.ts';
import { forMachine } from './images/for-machine.ts';
import { Catalog } from './images/import/catalog.ts';
import { importCalls } from './images/import/import-calls.ts';
import { imageCalls, imageStreams } from './images/image-calls.ts';
import { imagesTopic } from './images/images-topic.ts';
import { UploadJournal } from './images/upload-journal.ts';
import { KeptUploadSettings } from './images/upload-settings.ts';
import { Uploads } from './images/uploads.ts';
import { actionCalls } from './machine-actions/action-calls.ts';
import { snapshotsTopic } from './machine-actions/snapshots-topic.ts';
import { guestCalls } from './machines/guest-calls.ts';
import { machineCalls } from './machines/machine-calls.ts';
import { manifestCalls } from './manifests/manifest-calls.ts';
import { SavedViews } from './machines/saved-views.ts';
import { machinesTopic, machineTopic } from './machines/machine-topics.ts';
import { CollectedSamples } from './metrics/collected.ts';
import { metricsTopic } from './metrics/metrics-topic.ts';
import { usageTopic } from './metrics/usage-topic.ts';
import { MachineTemplates } from './new-machine/machine-templates.ts';
import { newMachineCalls } from './new-machine/new-machine-calls.ts';
import { placementTopic } from './placement/placement-topic.ts';
import { RoomSources } from './placement/room-sources.ts';
import { StorageSources } from './storage/storage-sources.ts';
import { storageTopic } from './storage/storage-topic.ts';
import { Journal } from './tasks/journal.ts';
import { Tasks } from './tasks/tasks.ts';

export interface BackendOptions {
  /** Hayloft's data folder; must be there. */
  dataDir: string;
  host: 'desktop' | 'web';
  /** The engine's bundled program. */
  engineMain: string;
  log: {
    info(message: string, fields?: Record<string, unknown>): void;
    warn(message: string, fields?: Record<string, unknown>): void;
    error(message: string, fields?: Record<string, unknown>): void;
  };
}

export interface Backend {
  handlers: Handlers;
  /** Starts or finds the engine, and connects; nothing is waited for. */
  begin(): void;
  /** Cancels what runs and lets go of every cluster. The engine and its machines go on. */
  close(): Promise<void>;
}

/** Does nothing by itself until it is told to begin. */
export function createBackend(options: BackendOptions): Backend {
  const { dataDir, host, log } = options;
  const clusters = new Clusters(join(dataDir, 'clusters'), log);
  const engine = new LocalEngine({ dir: join(dataDir, 'engine'), main: options.engineMain, cluster: clusters.local, log });
  const selfCheck = new SelfCheck(clusters.local, dataDir);
  const jobs = new Jobs();
  const checks = new FileChecks();
  const tasks = new Tasks(clusters, new Journal(join(dataDir, 'tasks.json'), log.warn.bind(log)), {
    backup: jobs.definition(backupWork(clusters)),
    restoreBackup: jobs.definition(restoreWork(clusters, checks)),
  });
  const uploads = new Uploads(clusters, new UploadJournal(join(dataDir, 'uploads.json'), log.warn.bind(log)), new KeptUploadSettings(join(dataDir, 'upload-settings.json'), log.warn.bind(log)));
  const actions = actionCalls({ clusters, tasks });
  uploads.afterwards = forMachine(clusters, actions);
  const catalog = new Catalog(dataDir, log);
  const collected = new CollectedSamples();
  const views = new SavedViews(join(dataDir, 'views.json'), log);
  const templates = new MachineTemplates(join(dataDir, 'machine-templates.json'), log);
  const rooms = new RoomSources();
  const storage = new StorageSources();
  const ways = access(clusters, dataDir);
  return {
    handlers: {
      calls: {
        'app.info': () => Promise.resolve({ version: packageJson.version, host, platform: process.platform, arch: process.arch, dataDir }),
        'engine.retry': async () => {
          await engine.ensure();
          await selfCheck.look();
          return {};
        },
        ...clusterCalls(clusters),
        ...machineCalls(clusters),
        ...newMachineCalls({ clusters, tasks }),
        ...templates.calls(),
        ...actions,
        ...backupCalls({ clusters, tasks }, checks),
        ...guestCalls(clusters),
        ...views.calls(),
        ...imageCalls(clusters, uploads),
        ...importCalls(clusters, catalog),
        'tasks.cancel': async ({ taskId }) => {
          await tasks.cancel(taskId);
          return {};
        },
        'tasks.dismiss': ({ taskId }) => {
          tasks.dismiss(taskId);
          return Promise.resolve({});
        },
        ...ways.calls,
        ...manifestCalls(clusters),
      },
      topics: {
        selfCheck: () => selfCheck,
        localEngine: () => engine.topic,
        clusters: () => clusters.topic,
        nodes: ({ clusterId }) => nodesTopic(clusters, clusterId),
        machines: ({ clusterId }) => machinesTopic(clusters, clusterId),
        views: () => views.topic,
        templates: () => templates.topic,
        machine: (ref) => machineTopic(clusters, ref),
        snapshots: (ref) => snapshotsTopic(clusters, ref),
        tasks: () => tasks.topic,
        metrics: ({ target, seconds }) => metricsTopic(clusters, collected, target, seconds),
        machineUsage: ({ clusterId }) => usageTopic(clusters, clusterId),
        placement: (request) => placementTopic(clusters, rooms, request),
        storage: ({ clusterId }) => storageTopic(clusters, storage, clusterId),
        images: ({ clusterId }) => imagesTopic(clusters, clusterId),
        catalog: () => catalog.topic,
        catalogSettings: () => catalog.settings,
        uploads: () => uploads.topic,
        uploadSettings: () => uploads.settings,
        ...ways.topics,
      },
      streams: { ...imageStreams(uploads), ...consoleStreams(clusters), ...ways.streams },
    },
    begin: () => {
      engine.begin();
      tasks.discover();
      uploads.goOn();
    },
    close: async () => {
      ways.close();
      engine.close();
      tasks.close();
      await Promise.all([uploads.close(), jobs.close()]);
      clusters.close();
      collected.close();
    },
  };
}
