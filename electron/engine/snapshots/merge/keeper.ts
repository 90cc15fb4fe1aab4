/**
 * Merges what deleted snapshots leave behind, one pair of files after the other, whenever something was given free or a
 * machine has stopped. Whoever needs the disk goes first: a machine that starts, a snapshot that is taken.
 */
import { dirname, join } from 'node:path';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { runStrategyOf } from '#shared/kube/machine-status.ts';
import type { Key } from '../../controller.ts';
import { persistentVolumeClaims } from '../../disks/definitions/persistent-volume-claim.ts';
import { storageClasses } from '../../disks/definitions/storage-class.ts';
import { baseOf, chainOf, namesIn } from '../../disks/files/layers.ts';
import { needSpace } from '../../disks/files/space.ts';
import { claimNameOf, claimsOf } from '../../disks/machine-use.ts';
import type { Downloads } from '../../exports/downloads.ts';
import { isFinal } from '../../machines/controllers/instance-status.ts';
import { virtualMachines } from '../../machines/definitions/virtual-machine.ts';
import { virtualMachineInstances } from '../../machines/definitions/virtual-machine-instance.ts';
import { neededBy } from '../held.ts';
import { claimVolumes, type SnapshotParts } from '../parts.ts';
import { dropAbsorbed, hasAbsorbed } from './absorbed.ts';
import { tellMerge } from './condition.ts';
import { finishLive, hasBegun, mergeLive } from './live.ts';
import { mergeOffline } from './offline.ts';
import { dropSecondNames, mergesIn, type Merge } from './plan.ts';

/** One that could not be done is tried again, unless something happens to the disk before. */
const againMs = 60_000;
/** After the start others come first. */
const beginMs = 2000;
const startingMs = 5000;
/** A base of no more than this is taken in by the file that a guest writes to; others wait until it is off. */
const fewBytes = 64 * 2 ** 20;

interface Work {
  merge: Merge;
  claims: PersistentVolumeClaim[];
  /** The guest that has them open, and the disk's name in it. */
  live?: { vmi: VirtualMachineInstance; diskName: string };
}

type Parts = Pick<SnapshotParts, 'resources' | 'files' | 'jobs' | 'log' | 'events' | 'guests'>;

export class MergeKeeper {
  readonly #parts: Parts;
  readonly #downloads: Downloads;
  readonly #folders = new Set<string>();
  readonly #notBefore = new Map<string, number>();
  readonly #stops: (() => void)[] = [];
  #current: { claimUids: Set<string>; offline: boolean; abort: AbortController; end: Promise<void> } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #held = 0;
  #stopped = false;

  constructor(parts: Parts, downloads: Downloads) {
    this.#parts = parts;
    this.#downloads = downloads;
  }

  start(): void {
    const { resources } = this.#parts;
    this.#stops.push(
      resources.subscribe(virtualMachineInstances, ({ object, type }) => {
        if (type !== 'DELETED' && !isFinal(object)) void this.#makeWay(claimsOf(object));
        else for (const { namespace, name } of claimsOf(object)) this.#kickClaim(resources.get(persistentVolumeClaims, namespace, name));
      }),
      // One that is to start has no instance before its disks are free.
      resources.subscribe(virtualMachines, ({ object, type }) => {
        const { namespace } = object.metadata;
        const starts = runStrategyOf(object) === 'Always' || (object.status?.stateChangeRequests ?? []).some(({ action }) => action === 'Start');
        if (type !== 'DELETED' && starts) void this.#makeWay(claimVolumes(object).map(({ claimName }) => ({ namespace, name: claimName })));
      }),
      resources.subscribe(persistentVolumeClaims, ({ object, type }) => {
        if (type === 'DELETED') this.kick(this.#parts.files.folderOf(object));
      }),
    );
    const begin = setTimeout(() => {
      for (const claim of resources.list(persistentVolumeClaims)) this.#kickClaim(claim);
      this.#kickCutOff();
    }, beginMs);
    this.#stops.push(() => clearTimeout(begin));
  }

  /** Something may be merged in this folder now. */
  kick(folder: string): void {
    this.#folders.add(folder);
    void this.#run();
  }

  /**
   * Does something that nothing may be merged under, such as a snapshot between its files and its objects. What is under
   * way on these claims is cut off first.
   */
  async holding<T>(claims: readonly PersistentVolumeClaim[], work: () => Promise<T>): Promise<T> {
    this.#held += 1;
    try {
      const uids = claims.map(({ metadata }) => metadata.uid ?? '');
      if (uids.some((uid) => this.#current?.claimUids.has(uid))) await this.#cut();
      return await work();
    } finally {
      this.#held -= 1;
      void this.#run();
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const stop of this.#stops) stop();
    // QEMU's own work goes on.
    if (this.#current?.offline) await this.#cut();
  }

  /** Merges that an earlier engine did not live to end, whosever disks they were of. */
  #kickCutOff(): void {
    const { resources, files } = this.#parts;
    const paths = resources.list(storageClasses).map(({ parameters }) => parameters?.['path']);
    const folders = [...new Set([undefined, ...paths])].flatMap((path) => {
      const above = files.folder(path);
      return namesIn(above).map((namespace) => join(above, namespace));
    });
    for (const folder of folders) if (hasAbsorbed(folder)) this.kick(folder);
  }

  #kickClaim(claim: PersistentVolumeClaim | undefined): void {
    const path = claim && this.#parts.files.find(claim)?.path;
    if (path !== undefined && baseOf(path) !== undefined) {
      this.#notBefore.clear();
      this.kick(dirname(path));
    }
  }

  /** A machine that starts waits for nothing. */
  async #makeWay(claims: readonly Key[]): Promise<void> {
    if (!this.#current?.offline) return;
    if (this.#uidsOf(claims).some((uid) => this.#current?.claimUids.has(uid))) await this.#cut();
  }

  #uidsOf(claims: readonly Key[]): string[] {
    return claims.map(({ namespace, name }) => this.#parts.resources.get(persistentVolumeClaims, namespace, name)?.metadata.uid ?? '');
  }

  async #cut(): Promise<void> {
    this.#current?.abort.abort(new Error('Something else needs the disk.'));
    await this.#current?.end.catch(() => undefined);
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      await this.#finishBegun();
      while (!this.#stopped && this.#held === 0) {
        const work = this.#next();
        if (!work || !(await this.#do(work))) break;
      }
    } catch (error) {
      this.#parts.log.error('Merging what deleted snapshots left came to an end', { error });
    } finally {
      this.#running = false;
      const soonest = Math.min(...this.#notBefore.values());
      clearTimeout(this.#timer);
      if (Number.isFinite(soonest) && !this.#stopped) this.#timer = setTimeout(() => void this.#run(), Math.max(1000, soonest - Date.now())).unref();
    }
  }

  /** Whoever takes a snapshot waits for this as well: what came of a merge is read off chains, which must not change meanwhile. */
  async #finishBegun(): Promise<void> {
    const { resources, guests } = this.#parts;
    for (const guest of guests.all()) {
      if (this.#stopped || this.#held > 0) return;
      if (!hasBegun(guest)) continue;
      const vmi = resources.list(virtualMachineInstances).find(({ metadata }) => metadata.uid === guest.uid);
      const claimUids = new Set(this.#uidsOf(vmi ? claimsOf(vmi) : []));
      const abort = new AbortController();
      const end = finishLive(guest, { signal: abort.signal, onProgress: () => undefined });
      this.#current = { claimUids, offline: false, abort, end };
      // What could not be seen to now is noted, and seen to the next time.
      await end.catch(() => undefined);
      this.#current = undefined;
    }
  }

  /** The next pair that may be merged now. */
  #next(): Work | undefined {
    const { resources } = this.#parts;
    for (const folder of this.#folders) {
      let waits = false;
      if (!this.#parts.guests.all().some(hasBegun)) {
        dropAbsorbed(folder, neededBy(resources, {}));
        dropSecondNames(folder, neededBy(resources, {}));
      }
      for (const merge of mergesIn(folder, neededBy(resources, {}))) {
        const work = this.#workOf(merge);
        if (work && (this.#notBefore.get(merge.lower) ?? 0) <= Date.now()) return work;
        waits ||= work !== undefined;
      }
      if (!waits) this.#folders.delete(folder);
    }
    return undefined;
  }

  /** @returns undefined as long as somebody is in the way, who tells when he is gone */
  #workOf(merge: Merge): Work | undefined {
    const { resources, files, jobs, guests } = this.#parts;
    const claims = resources.list(persistentVolumeClaims).filter((claim) => {
      const path = files.folderOf(claim) === dirname(merge.upper) ? files.find(claim)?.path : undefined;
      return path !== undefined && chainOf(path).includes(merge.upper);
    });
    const isBusy = resources.list(persistentVolumeClaims).some(({ metadata }) => jobs.get(metadata.uid ?? '')?.kind === 'clone');
    if (isBusy || claims.some(({ metadata }) => jobs.get(metadata.uid ?? '') !== undefined)) return undefined;
    if (this.#downloads.reads(merge.lower) || this.#downloads.reads(merge.upper)) return undefined;
    const users = claims.flatMap((claim) => this.#usersOf(claim));
    if (users.length === 0) return { merge, claims };
    const [live] = users;
    // Two QEMUs with the same files leave it to a time when both are off.
    if (!live || users.length > 1 || claims.length > 1) return undefined;
    // Its QEMU can be asked in a moment.
    if (!guests.get(live.vmi.metadata.uid)) this.#notBefore.set(merge.lower, Date.now() + startingMs);
    const isWritten = files.find(live.claim)?.path === merge.upper;
    if (isWritten && merge.bytes > fewBytes && merge.how === 'absorb') return undefined;
    return { merge: isWritten ? { ...merge, how: 'absorb' } : merge, claims, live };
  }

  #usersOf(claim: PersistentVolumeClaim): { vmi: VirtualMachineInstance; diskName: string; claim: PersistentVolumeClaim }[] {
    const { name = '', namespace } = claim.metadata;
    return this.#parts.resources.list(virtualMachineInstances, { namespace: namespace ?? '' }).flatMap((vmi) => {
      const volume = vmi.spec.volumes?.find((candidate) => claimNameOf(candidate) === name);
      const uses = volume !== undefined || claimsOf(vmi).some((key) => key.name === name);
      return uses && !isFinal(vmi) ? [{ vmi, diskName: volume?.name ?? '', claim }] : [];
    });
  }

  /** @returns whether to go on with the next one: not when something else needs the disk */
  async #do({ merge, claims, live }: Work): Promise<boolean> {
    const { jobs, guests, events } = this.#parts;
    const guest = guests.get(live?.vmi.metadata.uid);
    const abort = new AbortController();
    const options = { signal: abort.signal, onProgress: (share: number) => tellMerge(this.#parts.resources, claims, share) };
    tellMerge(this.#parts.resources, claims, 0);
    const work = async (): Promise<void> => {
      await needSpace(dirname(merge.upper), merge.bytes);
      await (live && guest ? mergeLive(guest, { ...merge, diskName: live.diskName }, options) : mergeOffline(merge, options));
    };
    const end = live ? work() : this.#asJobs(jobs, claims, abort, work);
    end.catch(() => undefined);
    this.#current = { claimUids: new Set(claims.map(({ metadata }) => metadata.uid ?? '')), offline: !live, abort, end };
    try {
      await end;
      this.#notBefore.delete(merge.lower);
    } catch (error) {
      this.#notBefore.set(merge.lower, Date.now() + (abort.signal.aborted ? 0 : againMs));
      if (abort.signal.aborted) return false;
      const { message } = asHayloftError(error);
      for (const claim of claims) events.record(claim, 'Warning', 'MergeFailed', `What a deleted snapshot left could not be merged; it is tried again: ${message}`);
    } finally {
      this.#current = undefined;
      tellMerge(this.#parts.resources, claims, undefined);
    }
    return true;
  }

  /** While it runs the claims' disks count as worked on. */
  async #asJobs(jobs: Parts['jobs'], claims: readonly PersistentVolumeClaim[], abort: AbortController, work: () => Promise<void>): Promise<void> {
    const end = Promise.withResolvers<undefined>();
    const all = claims.map((claim) =>
      jobs
        .start(claim, 'merge', async ({ signal }) => {
          // The claim is deleted, or the engine stops.
          signal.addEventListener('abort', () => abort.abort(signal.reason));
          await end.promise;
        })
        .catch(() => undefined),
    );
    try {
      await work();
    } finally {
      end.resolve(undefined);
      await Promise.all(all);
    }
  }
}
