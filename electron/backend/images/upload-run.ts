/** One upload, from the first look at the file to the finished image. */
import { setTimeout as delay } from 'node:timers/promises';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { Upload, UploadTarget } from '#shared/contract/images.ts';
import { recognize } from '#shared/images/recognize.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { dataVolumes, pathOf } from '../clusters/kinds.ts';
import { annotateSum, SentSum } from './checksum/sent-sum.ts';
import { refuseOtherSum } from './checksum/wanted-sums.ts';
import { createVolume } from './image-volume.ts';
import { lookInside, type Inside } from './packed.ts';
import { RateMeter } from './rate-meter.ts';
import { sendImage } from './send.ts';
import type { UploadControl } from './upload-control.ts';
import type { UploadQueue } from './upload-queue.ts';
import type { UploadSource } from './upload-source.ts';
import { volumeReaches } from './volume-phase.ts';

/** How often progress is told while bytes flow. */
const tellEveryMs = 200;
/** How often a cluster that is not there yet is asked. */
const askAgainMs = 1000;

export interface UploadJob {
  target: UploadTarget;
  cluster: () => ClusterConnection;
  opening: Promise<UploadSource>;
  /** Of the volume that an earlier run of the app made for it. */
  name?: string | undefined;
  control: UploadControl;
  /** The SHA-256 that the file should have, as far as somebody said so by now. */
  wanted: () => string | undefined;
  queue: UploadQueue;
  /** Takes what is to be shown. */
  tell: (change: { [K in keyof Upload]?: Upload[K] | undefined }) => void;
  /** Told once there is something that must go if nothing becomes of the upload. */
  made: (cluster: ClusterConnection, name: string) => void;
}

/** Resolves when the image is ready. Rejects with why it is not; what was made is then the caller's to remove. */
export async function runUpload(job: UploadJob): Promise<void> {
  const { tell } = job;
  const source = await job.opening;
  const sum = new SentSum(source, job.name !== undefined, (found) => tell({ sum: found }));
  try {
    await run(job, source, sum);
  } finally {
    sum.end();
  }
}

async function run(job: UploadJob, source: UploadSource, sum: SentSum): Promise<void> {
  const { target, control, tell } = job;
  const { signal } = control;
  const { finding, diskBytes } = await checked(target.fileName, source);
  const kind = finding.kind === 'iso' ? 'iso' : 'disk';
  tell({ kind });
  const name = job.name ?? (await makeVolume(job, source, kind, diskBytes));
  const cluster = job.cluster();
  const volume = { namespace: target.namespace, name };
  if (job.name !== undefined) await waitForCluster(cluster, volume, signal);
  const phase = await volumeReaches(cluster, volume, ['UploadReady', 'Succeeded'], signal);
  if (phase === 'UploadReady') await sendWithPauses(job, cluster, { namespace: target.namespace, claim: name }, source, sum);
  tell({ state: 'processing', sentBytes: source.sizeBytes, rate: 0, secondsLeft: undefined });
  const [sha256] = await Promise.all([sum.finish(), volumeReaches(cluster, volume, ['Succeeded'], signal)]);
  refuseOtherSum(target.fileName, sha256, job.wanted());
  await annotateSum(cluster, dataVolumes, volume, sha256);
  tell({ state: 'done' });
}

async function makeVolume({ target, cluster, tell, made }: UploadJob, source: UploadSource, kind: 'iso' | 'disk', diskBytes: number): Promise<string> {
  const to = cluster();
  const name = await createVolume(to, target, { fileBytes: source.sizeBytes, diskBytes }, kind);
  made(to, name);
  tell({ name });
  return name;
}

/** An app that begins is there before its clusters are. @throws HayloftError when the volume is gone */
async function waitForCluster(cluster: ClusterConnection, { namespace, name }: { namespace: string; name: string }, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await (await cluster.client(signal)).call<DataVolume>('GET', pathOf(dataVolumes, namespace, name), { signal });
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
async function sendWithPauses(job: UploadJob, cluster: ClusterConnection, claim: { namespace: string; claim: string }, source: UploadSource, sum: SentSum): Promise<void> {
  const { control, queue, tell } = job;
  for (;;) {
    await control.going();
    // Bytes that come but once cannot be sent again: then it is the sender who stands still.
    const trying = source.chunksFrom === undefined ? control.signal : control.trying;
    try {
      tell({ state: 'waiting' });
      const leave = await queue.enter(trying);
      try {
        if (!control.paused) tell({ state: 'sending' });
        sum.begin();
        await send(job, { cluster, claim, source: sum.watched(held(source, control)), sum }, trying);
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

async function send(
  { control, tell }: UploadJob,
  { cluster, claim, source, sum }: { cluster: ClusterConnection; claim: { namespace: string; claim: string }; source: UploadSource; sum: SentSum },
  signal: AbortSignal,
): Promise<void> {
  const meter = new RateMeter();
  let told = 0;
  let passing = true;
  await sendImage(() => cluster.client(signal), claim, source, {
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
