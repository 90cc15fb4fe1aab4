/** One upload, from the first look at the file to the finished image. */
import { setTimeout as delay } from 'node:timers/promises';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { UploadTarget } from '#shared/contract/images.ts';
import { recognize } from '#shared/images/recognize.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { pathOf, type Kind } from '../clusters/kinds.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { annotateSum, SentSum } from './checksum/sent-sum.ts';
import { refuseOtherSum } from './checksum/wanted-sums.ts';
import { removeMade } from './image-volume.ts';
import { lookInside, type Inside } from './packed.ts';
import type { RateLimit } from './rate-limit.ts';
import { RateMeter } from './rate-meter.ts';
import type { UploadControl } from './upload-control.ts';
import type { UploadQueue } from './upload-queue.ts';
import type { UploadSource } from './upload-source.ts';
import { BeginAnew, type TellUpload, type UploadWay, type WhatToSend } from './ways/way.ts';

/** How often progress is told while bytes flow. */
const tellEveryMs = 200;
/** How often a cluster that is not there yet is asked. */
const askAgainMs = 1000;
/** How often an image is made anew when its bytes were cut off. */
const mostMakings = 4;

export interface UploadJob {
  target: UploadTarget;
  cluster: () => ClusterConnection;
  /** How this cluster takes files. */
  way: (cluster: ClusterConnection) => Promise<UploadWay>;
  opening: Promise<UploadSource>;
  /** Of what an earlier run of the app made for it. */
  name?: string | undefined;
  control: UploadControl;
  /** The SHA-256 that the file should have, as far as somebody said so by now. */
  wanted: () => string | undefined;
  queue: UploadQueue;
  limit: RateLimit;
  /** Takes what is to be shown. */
  tell: TellUpload;
  /** Told once there is something that must go if nothing becomes of the upload. */
  made: (cluster: ClusterConnection, kind: Kind<KubeObject>, name: string) => void;
}

/** Resolves when the image is ready. Rejects with why it is not; what was made is then the caller's to remove. */
export async function runUpload(job: UploadJob): Promise<void> {
  const { target, tell } = job;
  const source = await job.opening;
  const { finding, diskBytes } = await checked(target.fileName, source);
  const { packing } = recognize(source.head, source.sizeBytes);
  tell({ kind: finding.kind === 'iso' ? 'iso' : 'disk' });
  const sum = new SentSum(source, job.name !== undefined, (found) => tell({ sum: found }));
  const cluster = job.cluster();
  let way: UploadWay | undefined;
  try {
    way = await job.way(cluster);
    await run(job, { cluster, way, sum, what: { target, source, finding, packing, diskBytes } });
  } finally {
    sum.end();
    await way?.end?.();
  }
}

interface Run {
  cluster: ClusterConnection;
  way: UploadWay;
  what: WhatToSend;
  sum: SentSum;
}

async function run(job: UploadJob, { cluster, way, what, sum }: Run): Promise<void> {
  const { target, control, tell } = job;
  const { signal } = control;
  const { namespace } = target;
  if (job.name !== undefined) await waitForCluster(cluster, way.kind, { namespace, name: job.name }, signal);
  let name = job.name ?? (await make(job, { cluster, way, what }));
  for (let makings = 1; await way.wantsBytes(name, signal); makings++) {
    try {
      await sendWithPauses(job, name, { cluster, way, what, sum });
      break;
    } catch (error) {
      if (!(error instanceof BeginAnew) || makings >= mostMakings || what.source.chunksFrom === undefined) throw error;
      tell({ note: `${error.message} All of it is sent again.`, sentBytes: 0, rate: 0, secondsLeft: undefined });
      await removeMade(cluster, way.kind, { namespace, name }, signal);
      name = await make(job, { cluster, way, what });
    }
  }
  tell({ state: 'processing', sentBytes: what.source.sizeBytes, rate: 0, secondsLeft: undefined });
  const [sha256] = await Promise.all([sum.finish(), way.isWhole(name, signal)]);
  refuseOtherSum(target.fileName, sha256, job.wanted());
  await annotateSum(cluster, way.kind, { namespace, name }, sha256);
  tell({ state: 'done', note: undefined });
}

async function make({ control, made, tell }: UploadJob, { cluster, way, what }: Omit<Run, 'sum'>): Promise<string> {
  const name = await way.make(what, control.signal);
  made(cluster, way.kind, name);
  tell({ name });
  return name;
}

/** An app that begins is there before its clusters are. @throws HayloftError when what was made is gone */
async function waitForCluster(cluster: ClusterConnection, kind: Kind<KubeObject>, { namespace, name }: { namespace: string; name: string }, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await (await cluster.client(signal)).call('GET', pathOf(kind, namespace, name), { signal });
      return;
    } catch (error) {
      const { code, retryable } = asHayloftError(error);
      if (code === 'not-found') throw new HayloftError('cancelled', 'The image was deleted.', { cause: error });
      if (signal.aborted || !retryable) throw error;
      await delay(askAgainMs, undefined, { signal, ref: false });
    }
  }
}

/** Sends when it is its turn; again after each pause. */
async function sendWithPauses(job: UploadJob, name: string, { way, what, sum }: Run): Promise<void> {
  const { control, queue, tell } = job;
  for (;;) {
    await control.going();
    // Bytes that come but once cannot be sent again: then it is the sender who stands still.
    const trying = what.source.chunksFrom === undefined ? control.signal : control.trying;
    try {
      tell({ state: 'waiting' });
      const leave = await queue.enter(trying);
      try {
        if (!control.paused) tell({ state: 'sending' });
        sum.begin();
        const source = job.limit.on(sum.watched(held(what.source, control)));
        await send(job, name, { way, what: { ...what, source }, sum }, trying);
        return;
      } finally {
        leave();
      }
    } catch (error) {
      if (!trying.aborted || control.signal.aborted) throw error;
    }
  }
}

/** Bytes that come but once, held back during a pause. */
const held = (source: UploadSource, control: UploadControl): UploadSource =>
  source.chunksFrom === undefined
    ? {
        ...source,
        chunks: async function* () {
          for await (const chunk of source.chunks()) {
            await control.going();
            yield chunk;
          }
        },
      }
    : source;

async function send({ control, tell }: UploadJob, name: string, { way, what, sum }: Omit<Run, 'cluster'>, signal: AbortSignal): Promise<void> {
  const { source } = what;
  const meter = new RateMeter();
  let told = 0;
  /** Whether what is said of the last try is over with the next byte. */
  let passing = false;
  await way.send(name, what, {
    signal,
    goesOn: (can) => tell({ beginsAgain: can || source.chunksFrom === undefined ? undefined : true }),
    retrying: ({ message }, instead) => {
      passing = instead === undefined;
      tell({ note: `${message} ${instead ?? 'Trying again…'}`, rate: 0, secondsLeft: undefined });
    },
    progress: (sentBytes) => {
      sum.reached(sentBytes);
      const now = performance.now();
      if (now - told < tellEveryMs || control.paused) return;
      told = now;
      const rate = meter.add(sentBytes, now);
      const secondsLeft = rate > 0 ? (source.sizeBytes - sentBytes) / rate : undefined;
      tell({ sentBytes, rate, secondsLeft, ...(passing ? { note: undefined } : {}) });
      passing = false;
    },
  });
}

/** @throws HayloftError that says why the file is no image */
async function checked(fileName: string, source: UploadSource): Promise<Inside> {
  const finding = recognize(source.head, source.sizeBytes);
  try {
    // The cluster unpacks it.
    if (finding.packing !== undefined) return await lookInside(source, finding.packing);
    const { problem } = finding;
    if (problem) throw new HayloftError(problem.code, problem.message, { hint: problem.hint });
  } catch (error) {
    const { code, message, hint } = asHayloftError(error);
    throw new HayloftError(code, `${fileName}: ${message}`, { ...(hint === undefined ? {} : { hint }), cause: error });
  }
  return { finding, diskBytes: finding.virtualSizeBytes ?? 0 };
}
