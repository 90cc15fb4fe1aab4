/** One upload, from the first look at the file to the finished image. */
import { setTimeout as delay } from 'node:timers/promises';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { UploadTarget } from '#shared/contract/images.ts';
import { recognize } from '#shared/images/recognize.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { pathOf, type Kind } from '../clusters/kinds.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { isPassing } from './cdi/answers.ts';
import { aboutSource, annotateAbout } from './about/image-about.ts';
import { annotateSum, SentSum } from './checksum/sent-sum.ts';
import { refuseOtherSum } from './checksum/wanted-sums.ts';
import { findMade, removeMade } from './image-volume.ts';
import { lookInside, type Inside } from './packed.ts';
import type { RateLimit } from './rate-limit.ts';
import { RateMeter } from './rate-meter.ts';
import type { SendOptions } from './send.ts';
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
/** How long a way to the cluster that fails is tried before the first byte. */
const patienceMs = 10 * 60_000;

export interface UploadJob {
  id: string;
  target: UploadTarget;
  cluster: () => ClusterConnection;
  /** How this cluster takes files. */
  way: (cluster: ClusterConnection) => Promise<UploadWay>;
  opening: Promise<UploadSource>;
  /** It goes on from an earlier run of the app. */
  goesOn: boolean;
  /** Of what that made for it, where it came to write that down. */
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
  const inside = await checked(target.fileName, source);
  const { packing } = recognize(source.head, source.sizeBytes);
  const about = await aboutSource(source, inside, packing !== undefined);
  const { finding } = inside;
  const diskBytes = Math.max(inside.diskBytes, about.virtualSizeBytes ?? 0);
  tell({ kind: finding.kind === 'iso' ? 'iso' : 'disk', about });
  const sum = new SentSum(source, job.goesOn, (found) => tell({ sum: found }));
  const cluster = job.cluster();
  let way: UploadWay | undefined;
  let summed: Promise<void> | undefined;
  try {
    way = await patiently(job.control.signal, tell, () => job.way(cluster));
    ({ summed } = await run(job, { cluster, way, sum, what: { uploadId: job.id, target, source, finding, packing, diskBytes, about } }));
  } finally {
    void (summed ?? Promise.resolve()).finally(() => sum.end());
    await way?.end?.();
  }
}

interface Run {
  cluster: ClusterConnection;
  way: UploadWay;
  what: WhatToSend;
  sum: SentSum;
}

/** @returns once the image is ready; `summed` resolves when its sum is known, too, and kept with it */
async function run(job: UploadJob, { cluster, way, what, sum }: Run): Promise<{ summed: Promise<void> }> {
  const { target, control, tell } = job;
  const { signal } = control;
  const { namespace } = target;
  let name = (job.goesOn ? await madeBefore(job, cluster, way.kind, signal) : undefined) ?? (await make(job, { cluster, way, what }));
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
  const summing = sum.finish();
  summing.catch(() => undefined);
  await way.isWhole(name, signal);
  await sum.refuseChanged();
  if (job.wanted() !== undefined) refuseOtherSum(target.fileName, await summing, job.wanted());
  tell({ state: 'done', note: undefined });
  // Nobody need wait for a sum that nothing hangs on; of a file that changes after it was sent there is none.
  return { summed: summing.then((sha256) => annotateSum(cluster, way.kind, { namespace, name }, sha256), () => undefined) };
}

async function make({ control, made, tell }: UploadJob, { cluster, way, what }: Omit<Run, 'sum'>): Promise<string> {
  const { signal } = control;
  const { namespace } = what.target;
  const name = await patiently(signal, tell, async (again) => {
    // It may have been made, and only the answer lost.
    const found = again ? await findMade(await cluster.client(signal), way.kind, namespace, what.uploadId) : undefined;
    return found ?? way.make(what, signal);
  });
  made(cluster, way.kind, name);
  tell({ name });
  await annotateAbout(cluster, way.kind, { namespace: what.target.namespace, name }, what.about);
  return name;
}

/** Does it again as long as it is the way to the cluster that fails, and `mayAgain`. */
async function patiently<T>(signal: AbortSignal, tell: TellUpload, attempt: (again: boolean) => Promise<T>, mayAgain = (): boolean => true): Promise<T> {
  for (let begun = performance.now(), again = false; ; again = true) {
    try {
      const result = await attempt(again);
      if (again) tell({ note: undefined });
      return result;
    } catch (error) {
      if (signal.aborted || !mayAgain() || !isPassing(error) || error instanceof BeginAnew || performance.now() - begun > patienceMs) throw error;
      tell({ note: `${asHayloftError(error).message} Trying again…` });
      await delay(askAgainMs, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
    }
  }
}

/**
 * What an earlier run of the app made. An app that begins is there before its clusters are: they are waited for.
 * @returns its name, undefined where it came to make nothing. Throws HayloftError when it is gone.
 */
async function madeBefore({ id, name, target: { namespace }, made, tell }: UploadJob, cluster: ClusterConnection, kind: Kind<KubeObject>, signal: AbortSignal): Promise<string | undefined> {
  for (;;) {
    try {
      const client = await cluster.client(signal);
      if (name !== undefined) await client.call('GET', pathOf(kind, namespace, name), { signal });
      const found = name ?? (await findMade(client, kind, namespace, id));
      if (found !== undefined) {
        made(cluster, kind, found);
        tell({ name: found });
      }
      return found;
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
  let sentAny = false;
  const options: SendOptions = {
    signal,
    goesOn: (can) => tell({ beginsAgain: can || source.chunksFrom === undefined ? undefined : true }),
    retrying: ({ message }, instead) => {
      passing = instead === undefined;
      tell({ note: `${message} ${instead ?? 'Trying again…'}`, rate: 0, secondsLeft: undefined });
    },
    progress: (sentBytes) => {
      sentAny ||= sentBytes > 0;
      sum.reached(sentBytes);
      const now = performance.now();
      if (now - told < tellEveryMs || control.paused) return;
      told = now;
      const rate = meter.add(sentBytes, now);
      const secondsLeft = rate > 0 ? (source.sizeBytes - sentBytes) / rate : undefined;
      tell({ sentBytes, rate, secondsLeft, ...(passing ? { note: undefined } : {}) });
      passing = false;
    },
  };
  // How it goes on with what came is the way's own to know.
  await patiently(signal, tell, () => way.send(name, what, options), () => !sentAny);
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
  return { finding, diskBytes: finding.virtualSizeBytes ?? 0, head: source.head };
}
