/** Starts guests, finds again those that an earlier engine left, and knows how they run here. */
import { existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { isEnabled } from '#shared/kube/firmware.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { Log } from '../context.ts';
import type { DiskFile } from '../disks/types.ts';
import { findAcceleration, type Verdict } from './acceleration/acceleration.ts';
import { qemuArguments } from './argv/argv.ts';
import { descriptorsOf } from './argv/networks.ts';
import { guestPaths, incomingSocket, type GuestPaths } from './argv/paths.ts';
import { keptTpmFolder, prepareFirmware, sweepKeptState } from './firmware/kept-state.ts';
import { endTpmIn, startTpm, type Tpm } from './tpm/swtpm.ts';
import { findGuestProcesses, isGuestProcess, startOf } from './guest/process.ts';
import { QemuGuest } from './guest/qemu-guest.ts';
import { readRecord, recordFrom, writeRecord, type GuestRecord } from './guest/record.ts';
import { findOffers, type Offers } from './offers.ts';
import { launch } from './launch.ts';
import { QmpConnection } from './qmp.ts';
import { usableRunFolder } from './run-folder.ts';
import type { Acceleration, Guest, GuestPlan, HostLink, Hypervisor } from './types.ts';

export interface HypervisorOptions {
  /** Where running guests keep their sockets; made if missing. */
  runDir: string;
  /** Where what was found out about this host is remembered. */
  cacheDir: string;
  /** Where UEFI variables and TPMs that must survive a stop are kept. */
  firmwareDir: string;
  log: Log;
}

/** The engine does not keep everybody waiting for one guest that does not answer. */
const adoptionMs = 1000;

export function createHypervisor(options: HypervisorOptions): Hypervisor {
  const runDir = usableRunFolder(options.runDir);
  const guests = new Set<QemuGuest>();
  let verdict: Promise<Verdict> | undefined;
  let asking: Promise<void> | undefined;
  let offers: Offers | undefined;

  /** Asked again as long as there is no QEMU: it may be installed while we run. */
  async function decide(): Promise<Verdict> {
    verdict ??= findAcceleration(options.cacheDir);
    const found = await verdict;
    if (found.accelerator === 'none') verdict = undefined;
    else asking ??= askWhatIsOffered(found);
    return found;
  }

  /** Not knowing is no reason to run nothing: QEMU judges itself then. */
  async function askWhatIsOffered(found: Verdict): Promise<void> {
    try {
      offers = await findOffers(found, options.cacheDir);
    } catch (error) {
      options.log.warn('QEMU did not tell which machines and processors it offers', { error: String(error) });
    }
  }

  function hold(record: GuestRecord, paths: GuestPaths, qmp: QmpConnection | undefined, status?: unknown): QemuGuest {
    const guest = new QemuGuest(record, paths, qmp, status);
    guests.add(guest);
    void guest.ended.then(() => guests.delete(guest));
    return guest;
  }

  async function start(plan: GuestPlan): Promise<Guest> {
    const { accelerator, cpuModel, qemuPath } = await decide();
    if (accelerator === 'none' || qemuPath === undefined) {
      throw new HayloftError('engine-missing-qemu', 'QEMU is not installed on this computer, so it cannot run machines.', {
        hint: 'Install QEMU with the system’s package manager and start the machine again.',
        retryable: true,
      });
    }
    const uid = plan.vmi.metadata.uid ?? '';
    const paths = guestPaths(join(runDir, uid));
    // Left by an engine that was killed since: whatever still runs from it is this very guest.
    const left = existsSync(paths.folder) ? await adoptOne(uid, runningProcess(uid)) : undefined;
    if (left) return left;
    mkdirSync(paths.folder, { recursive: true, mode: 0o700 });
    let tpm: Tpm | undefined;
    try {
      const firmware = prepareFirmware(options.firmwareDir, plan.vmi, paths);
      const volumes = withOwnDisks(plan, paths);
      if (plan.vmi.spec.domain.cpu?.features) await asking;
      const links = plan.links ?? new Map<string, HostLink>();
      const args = qemuArguments({ vmi: plan.vmi, volumes, links, accelerator, cpuModel, offers, paths, firmware, now: new Date() });
      if (plan.incoming === true) args.push('-incoming', `unix:${incomingSocket(paths.folder)}`);
      const { devices } = plan.vmi.spec.domain;
      const hasGraphics = devices.autoattachGraphicsDevice !== false;
      const hasSerial = devices.autoattachSerialConsole !== false;
      const record = (pid: number): GuestRecord => {
        const startedAt = startOf(pid);
        return { uid, pid, ...(startedAt === undefined ? {} : { startedAt }), hasGraphics, hasSerial };
      };
      tpm = await tpmFor(plan, paths);
      const { pid, qmp, status } = await launch(qemuPath, args, paths, (child) => writeRecord(paths.record, record(child)), descriptorsOf(links));
      return hold(record(pid), paths, qmp, status);
    } catch (error) {
      tpm?.end();
      rmSync(paths.folder, { recursive: true, force: true });
      throw error;
    }
  }

  async function tpmFor({ vmi }: GuestPlan, paths: GuestPaths): Promise<Tpm | undefined> {
    const { tpm } = vmi.spec.domain.devices;
    if (!isEnabled(tpm)) return undefined;
    const stateFolder = tpm?.persistent === true ? keptTpmFolder(options.firmwareDir, vmi) : paths.tpmState;
    return startTpm({ socket: paths.tpm, stateFolder, log: paths.tpmLog });
  }

  async function adopt(): Promise<Guest[]> {
    const running = findGuestProcesses(runDir);
    const names = new Set([...readdirSync(runDir), ...running.keys()]);
    const found = await Promise.all([...names].map((name) => adoptOne(name, running.get(name))));
    return found.filter((guest) => guest !== undefined);
  }

  /** @param running its process, where the system tells of processes */
  async function adoptOne(uid: string, running: ReturnType<typeof runningProcess>): Promise<QemuGuest | undefined> {
    const paths = guestPaths(join(runDir, uid));
    const record = recordOf(uid, paths, running);
    if (!record) {
      await endTpmIn(paths.folder);
      rmSync(paths.folder, { recursive: true, force: true });
      return undefined;
    }
    const qmp = await QmpConnection.connect(paths.qmp, adoptionMs).catch((error: unknown) => {
      // Its guest may be at work all the same: it is kept, and spoken to as soon as it answers.
      options.log.warn('A machine runs and does not answer', { uid, pid: record.pid, error: String(error) });
      return undefined;
    });
    if (qmp) options.log.info('Found a running machine again', { uid, pid: record.pid });
    const guest = hold(record, paths, qmp);
    if (qmp) await guest.settle();
    return guest;
  }

  const runningProcess = (uid: string): { pid: number; argv: string[] } | undefined => findGuestProcesses(runDir).get(uid);

  return {
    acceleration: async () => {
      const { accelerator, reason, qemuVersion } = await decide();
      const known: Acceleration = { accelerator };
      if (reason !== undefined) known.reason = reason;
      if (qemuVersion !== undefined) known.qemuVersion = qemuVersion;
      return known;
    },
    start,
    adopt,
    offers: () => offers,
    forgetOthers: (keepers) => sweepKeptState(options.firmwareDir, keepers),
    release: () => {
      for (const guest of guests) guest.release();
      guests.clear();
      return Promise.resolve();
    },
  };
}

/** What is known of the guest whose folder this is; undefined when its process is gone. */
function recordOf(uid: string, paths: GuestPaths, running: { pid: number; argv: string[] } | undefined): GuestRecord | undefined {
  const record = readRecord(paths.record);
  if (record && isGuestProcess(record.pid, paths.folder) && (!running || running.pid === record.pid)) return record;
  if (!running) return undefined;
  // An engine was killed between starting it and noting that it did.
  const made = recordFrom(uid, running);
  writeRecord(paths.record, made);
  return made;
}

/** Empty disks and discs with settings live as long as the guest: files in its folder, which goes with it. */
function withOwnDisks(plan: GuestPlan, paths: GuestPaths): ReadonlyMap<string, DiskFile> {
  const volumes = new Map(plan.volumes);
  for (const { name, emptyDisk } of plan.vmi.spec.volumes ?? []) {
    if (emptyDisk === undefined) continue;
    const path = join(paths.folder, `empty-${name}.raw`);
    const virtualSizeBytes = parseQuantity(emptyDisk.capacity) ?? 0;
    writeFileSync(path, '', { mode: 0o600 });
    truncateSync(path, virtualSizeBytes);
    volumes.set(name, { path, format: 'raw', virtualSizeBytes, allocatedBytes: 0 });
  }
  for (const [name, image] of plan.discs ?? []) {
    const path = join(paths.folder, `disc-${name}.iso`);
    writeFileSync(path, image, { mode: 0o600 });
    volumes.set(name, { path, format: 'raw', virtualSizeBytes: image.length, allocatedBytes: image.length });
  }
  return volumes;
}
