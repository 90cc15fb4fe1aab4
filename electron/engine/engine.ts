/** Puts the engine together: data folder, TLS, port, modules, server; and takes it apart again. */
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { localSocketIn } from '#shared/host/local-socket.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { createAccess } from './access/access.ts';
import { createAccessModule } from './access/module.ts';
import type { Rotations } from './access/rotation.ts';
import type { AnyDefinition, EngineModule } from './api/definition.ts';
import type { ApiServer, ApiServerOptions } from './api/server.ts';
import { openAudit } from './audit/audit.ts';
import type { EngineContext, Log } from './context.ts';
import { nodeNameFrom } from './core/host.ts';
import { explain, openDataFolder, writeRecord, type DataFolder } from './data-folder.ts';
import { createEventRecorder } from './events/recorder.ts';
import { openLog } from './log.ts';
import { announce } from './announce/announce.ts';
import type { Responder } from './announce/responder.ts';
import { loopback, publicAddress, serverNames, urlOf, type ServerNames } from './listen/addresses.ts';
import { holdPort } from './port.ts';
import type { Certificates } from './tls/certificates.ts';
import { keepCertificates } from './tls/keeper.ts';
import type { Issue } from './tls/key-pair.ts';
import { writeKubeconfig } from './tls/kubeconfig.ts';
import { ensureToken, replaceToken } from './tls/token.ts';

export interface EngineOptions {
  dataDir: string;
  /** Absent: the port of the last run, or a free one. 0: a free one. */
  port?: number | undefined;
  /** Addresses beside loopback; absent: those of the last run. */
  listen?: readonly string[] | undefined;
  /** Whether others are told of it where it listens for them; absent: as in the last run, and else yes. */
  announce?: boolean | undefined;
}

/** What the engine is made of, besides its core; tests bring less. */
export interface EngineParts {
  issue: Issue;
  /** Keeps objects and acts on none. What one engine of this sort wrote is not for one of the other. */
  apiOnly?: true;
  /** @param folder.served all kinds that the engine brings itself, once the modules are made */
  createModules(folder: { dataDir: string; log: Log; served: () => readonly AnyDefinition[] }): EngineModule[];
  createServer(options: ApiServerOptions): ApiServer;
}

export interface RunningEngine {
  endpoint: string;
  kubeconfig: string;
  log: Log;
  /** Guests go on running. */
  stop(): Promise<void>;
}

/**
 * Starts the engine; when it resolves, the API answers. A start that fails leaves nothing behind.
 * @throws HayloftError `port-taken`, `conflict` (another engine works in the folder), `no-space`, `forbidden`, `bad-input`
 */
export async function startEngine(options: EngineOptions, parts: EngineParts): Promise<RunningEngine> {
  const { dataDir } = options;
  const deferred = deferredLog();
  const folder = openDataFolder(dataDir, deferred);
  // Undone in reverse, by `stop` as much as by a start that fails.
  const undo: (() => Promise<void> | void)[] = [() => folder.store.close()];
  const unwind = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const log = openLog(join(dataDir, 'engine.log'));
    undo.push(() => log.close());
    deferred.to = log;
    checkSort(folder, parts.apiOnly === true);
    const listen = options.listen ?? folder.lastRun?.listen ?? [];
    const held = await holdPort(options.port, folder.lastRun?.port, listen);
    undo.push(() => held.release());
    const announced = options.announce ?? folder.lastRun?.announce ?? true;
    let responder: Responder | undefined;
    const certificates = await keepCertificates({
      ...{ folder: join(dataDir, 'tls'), issue: parts.issue, log, onLan: listen.length > 0 },
      names: () => withName(serverNames(listen), responder?.host),
    });
    undo.push(() => certificates.stop());
    let token = ensureToken(join(dataDir, 'token'));
    writeRecord(dataDir, { pid: process.pid, port: held.port, listen: [...listen], announce: announced, ...(parts.apiOnly ? { apiOnly: true } : {}) });

    const { api, resources } = folder.store;
    const events = createEventRecorder(resources, log);
    undo.push(() => events.stop());
    const endpoint = `https://${loopback}:${held.port}`;
    const followReach: EngineContext['followReach'] = (take) =>
      certificates.follow(({ ca }) => {
        // Its addresses are in the certificate, so that a new one comes with them.
        void publicAddress(listen).then((address) => take({ url: address === undefined ? endpoint : urlOf(address, held.port), ca }));
      });
    const context: EngineContext = { dataDir, nodeName: nodeNameFrom(), endpoint, caCertificate: certificates.current.ca, followReach, resources, events, log };
    const node: KubeObject = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeNameFrom() } };
    const suspicious = (source: string): void =>
      events.record(node, 'Warning', 'FailedLogins', `Too many failed logins came from ${source}, which is turned away for a while.`);
    const access = createAccess({ resources, ownerToken: token, suspicious, log });
    const kubeconfig = join(dataDir, 'kubeconfig');
    const tellOwner = (): void => writeKubeconfig(kubeconfig, { endpoint, ca: certificates.current.ca, token });
    const rotations: Rotations = {
      authority: (overlapMs) => certificates.rotateAuthority(overlapMs),
      ownerToken: () => {
        token = replaceToken(join(dataDir, 'token'));
        tellOwner();
        // After the answer, which is the last that the old token is given.
        setImmediate(() => access.tokens.replaceOwner(token));
        return Promise.resolve();
      },
    };
    const served = (): AnyDefinition[] => modules.flatMap(({ definitions }) => definitions);
    const modules: EngineModule[] = [createAccessModule(access, rotations), ...parts.createModules({ dataDir, log, served })];
    for (const module of modules) {
      undo.push(() => module.stop());
      await module.start(context);
    }
    const audit = openAudit(join(dataDir, 'audit.log'));
    undo.push(() => audit.close());
    const server = parts.createServer({ store: api, modules, access, tls: shown(certificates.current), log, audit });
    undo.push(() => {
      // Nobody new while the modules stop.
      held.release();
      return server.close();
    });
    for (const socket of held.sockets) await server.listen(socket);
    await listenLocal(server, dataDir, log);
    certificates.follow((current) => {
      server.showCertificate(shown(current));
      tellOwner();
      responder?.tell();
    });
    if (announced && listen.length > 0) {
      responder = announce({ nodeName: context.nodeName, port: held.port, listen, ca: () => certificates.current.ca, log });
      undo.push(() => responder?.stop());
      responder.start();
    }
    log.info('The engine is ready', { endpoint, listen, pid: process.pid });
    return {
      endpoint,
      kubeconfig,
      log,
      stop: async () => {
        log.info('The engine stops');
        await unwind();
      },
    };
  } catch (error) {
    deferred.error('The engine could not start', { error });
    await unwind();
    folder.undo();
    throw explain(dataDir, error);
  }
}

/** Machines that were only recorded must not begin to run, and those that run must not be left alone. */
function checkSort({ path, lastRun }: DataFolder, apiOnly: boolean): void {
  if (lastRun === undefined || lastRun.apiOnly === apiOnly) return;
  throw new HayloftError('conflict', `The data in ${path} belongs to an engine that was started ${apiOnly ? 'without' : 'with'} --api-only.`, {
    hint: 'Start it in the same way again, or choose another folder with --data-dir.',
    field: 'data-dir',
  });
}

const withName = ({ dns, ip }: ServerNames, name: string | undefined): ServerNames => ({ dns: name === undefined ? dns : [...dns, name], ip });

const shown = ({ server }: Certificates): { cert: string; key: string } => ({ cert: server.certificate, key: server.key });

/** Not every file system holds sockets; without one, everybody takes the port. */
async function listenLocal(server: ApiServer, dataDir: string, log: Log): Promise<void> {
  const socket = localSocketIn(dataDir);
  if (socket === undefined) return;
  try {
    // Left behind by an engine that was killed; the folder's lock is ours by now.
    rmSync(socket, { force: true });
    await server.listenLocal(socket);
    chmodSync(socket, 0o600);
  } catch (error) {
    log.warn('The local socket could not be opened', { socket, error });
  }
}

/** The store opens before the log can, for a folder that is another engine's must not be written to. */
function deferredLog(): Log & { to: Log | undefined } {
  const log: Log & { to: Log | undefined } = {
    to: undefined,
    info: (message, fields) => log.to?.info(message, fields),
    warn: (message, fields) => log.to?.warn(message, fields),
    error: (message, fields) => log.to?.error(message, fields),
  };
  return log;
}
