/**
 * The other way round: the cluster fetches the file from this computer, as CDI imports any image over HTTP. It goes on in the
 * middle after a break, which its uploads cannot. For clusters that can reach this computer: that shows when they do.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { HayloftError } from '#shared/contract/errors.ts';
import type { DataVolumePhase } from '#shared/kube/cdi.ts';
import type { ClusterConnection } from '../../clusters/connection.ts';
import { dataVolumes } from '../../clusters/kinds.ts';
import { createVolume } from '../image-volume.ts';
import type { RateLimit } from '../rate-limit.ts';
import { volumeReaches } from '../volume-phase.ts';
import type { TellUpload, UploadWay, WhatToSend } from '../ways/way.ts';
import { FileServer, type ServedDoor } from './file-server.ts';

/** An importer that has begun asks within seconds; its pod's image may have to be fetched before that. */
const firstVisitMs = 120_000;
const begun: readonly DataVolumePhase[] = ['', 'Pending', 'PVCBound', 'WaitForFirstConsumer', 'PendingPopulation', 'ImportScheduled', 'ImportInProgress', 'Paused', 'Unknown', 'Succeeded'];

export interface ServedOptions {
  limit: RateLimit;
  /** Where an earlier run of the app served the file. */
  door: ServedDoor | undefined;
  /** Told where it is served, which the next run of the app has to know. */
  opened: (door: ServedDoor) => void;
  tell: TellUpload;
  /** The SHA-256 that the file should have. */
  wanted: () => string | undefined;
  /** How long the cluster may take to come; for tests. */
  firstVisitMs?: number;
}

export function servedWay(cluster: ClusterConnection, namespace: string, options: ServedOptions): UploadWay {
  let door = options.door;
  let server: FileServer | undefined;
  let fetched: (untilBytes: number) => void = () => undefined;
  const open = async ({ source: { file } }: WhatToSend): Promise<{ server: FileServer; door: ServedDoor }> => {
    if (!file) throw new HayloftError('unsupported', 'A browser’s files cannot be served.', { hint: 'Use the desktop app, which reads the file itself.' });
    const asked = door ?? { address: await addressTowards(cluster.access().server), port: 0, secret: randomBytes(24).toString('base64url') };
    server ??= await FileServer.start({ file, door: asked, limit: options.limit, fetched: (until) => fetched(until) });
    door = { ...asked, port: server.port };
    options.opened(door);
    return { server, door };
  };
  const end = async (): Promise<void> => {
    const ending = server;
    server = undefined;
    await ending?.close();
  };
  return {
    kind: dataVolumes,
    end,
    make: async (what) => {
      const { address, port, secret } = (await open(what)).door;
      const wanted = options.wanted();
      const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}/${secret}/${encodeURIComponent(what.target.fileName)}`;
      const http = { url, ...(wanted === undefined ? {} : { checksum: `sha256:${wanted}` }) };
      return createVolume(cluster, what.target, { fileBytes: what.source.sizeBytes, diskBytes: what.diskBytes }, what.finding.kind === 'iso' ? 'iso' : 'disk', { http }, { uploadId: what.uploadId });
    },
    wantsBytes: async (name, signal) => (await volumeReaches(cluster, { namespace, name }, begun, signal)) !== 'Succeeded',
    send: async (name, what, { signal, progress }) => {
      const { server: serving } = await open(what);
      let most = 0;
      fetched = (until) => progress((most = Math.max(most, until)));
      const { host } = new URL(cluster.access().server);
      options.tell({ note: `${host} fetches it from port ${serving.port} of this computer. It goes on where it was cut off, as long as Hayloft runs.` });
      try {
        await untilFetched(cluster, { namespace, name }, { serving, host, firstVisitMs: options.firstVisitMs ?? firstVisitMs, signal });
      } finally {
        // A pause, too, is that there is nothing to fetch.
        await end();
      }
    },
    isWhole: async (name, signal) => {
      await volumeReaches(cluster, { namespace, name }, ['Succeeded'], signal);
    },
  };
}

/** @throws HayloftError `unreachable` when nobody came for the file */
async function untilFetched(
  cluster: ClusterConnection,
  volume: { namespace: string; name: string },
  { serving, host, firstVisitMs: patience, signal }: { serving: FileServer; host: string; firstVisitMs: number; signal: AbortSignal },
): Promise<void> {
  const nobody = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  try {
    await volumeReaches(cluster, volume, ['ImportInProgress', 'Succeeded'], signal);
    timer = setTimeout(() => {
      if (serving.visits === 0) nobody.abort(notReached(host, serving.port));
    }, patience);
    await volumeReaches(cluster, volume, ['Succeeded'], AbortSignal.any([signal, nobody.signal]));
  } finally {
    clearTimeout(timer);
  }
}

const notReached = (host: string, port: number): HayloftError =>
  new HayloftError('unreachable', `${host} did not come for the file: it cannot reach port ${port} of this computer.`, {
    hint: 'A firewall, or a network that leads only one way, stands between. Upload the file the usual way.',
  });

/** @returns this computer's address as the cluster's network sees it: the one that packets to it leave from */
function addressTowards(server: string): Promise<string> {
  const { hostname, port } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  return new Promise<string>((resolve, reject) => {
    socket.once('error', reject);
    // No packet is sent: the system only looks for the way.
    socket.connect(Number(port) || 443, host, () => resolve(socket.address().address));
  }).finally(() => socket.close());
}
