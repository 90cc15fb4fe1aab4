/** What this computer has and lacks for running machines, as checks that say what to do. */
import { statfs } from 'node:fs/promises';
import type { TopicSource } from '#shared/channel/types.ts';
import type { Check } from '#shared/contract/app.ts';
import { findPackageManager, installCommandText, missingNeeds, packagesFor, runningNeeds, type SystemNeed } from '#shared/host/packages.ts';
import { thisComputer } from '#shared/host/this-computer.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { nodes } from '../clusters/kinds.ts';
import { Topic } from '../topics/topic.ts';

const gib = 2 ** 30;
/** Less than this and the first installation will not fit. */
const leastDiskBytes = 10 * gib;

export class SelfCheck implements TopicSource<Check> {
  readonly #topic = new Topic<Check>({ key: (item) => item.id, settled: false });
  readonly #cluster: ClusterConnection;
  readonly #dataDir: string;
  #stop: (() => void) | undefined;
  #listeners = 0;

  constructor(cluster: ClusterConnection, dataDir: string) {
    this.#cluster = cluster;
    this.#dataDir = dataDir;
  }

  subscribe(listener: Parameters<TopicSource<Check>['subscribe']>[0]): () => void {
    this.#listeners += 1;
    this.#stop ??= this.#cluster.cache(nodes).watch(() => this.#putAcceleration());
    void this.look();
    const stop = this.#topic.subscribe(listener);
    return () => {
      stop();
      this.#listeners -= 1;
      if (this.#listeners > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  }

  /** Looks again at everything. */
  async look(): Promise<void> {
    this.#topic.put(qemuCheck(), await diskCheck(this.#dataDir));
    this.#putAcceleration();
    this.#topic.settle();
  }

  #putAcceleration(): void {
    const [node] = this.#cluster.cache(nodes).objects.values();
    const notes = node?.metadata.annotations ?? {};
    const check = accelerationCheck(notes['hayloft.io/acceleration'], notes['hayloft.io/acceleration-reason']);
    if (check) this.#topic.put(check);
    else this.#topic.remove('acceleration');
  }
}

function qemuCheck(): Check {
  const missing = missingNeeds(runningNeeds, thisComputer);
  const common = { id: 'qemu', title: 'QEMU', why: 'QEMU runs the virtual machines. Managing other computers works without it.' };
  if (missing.length === 0) return { ...common, status: 'ok', found: 'QEMU and its disk tools are installed.' };
  const titles = missing.map((need) => need.title).join(' and ');
  return { ...common, status: 'blocker', found: `${titles} ${missing.length > 1 ? 'are' : 'is'} missing.`, fix: installFix(missing) };
}

function installFix(missing: readonly SystemNeed[]): NonNullable<Check['fix']> {
  const manager = findPackageManager(thisComputer);
  const packages = manager ? packagesFor(manager, missing) : [];
  if (!manager || packages.length === 0) return { text: 'Install it with this system’s package manager, then look again.' };
  return {
    text: 'Install it with this command, then look again.',
    command: installCommandText(manager, packages, process.getuid?.() === 0),
  };
}

/** Undefined while the engine has not found out yet, or cannot for want of QEMU, which another check says. */
function accelerationCheck(found: string | undefined, reason: string | undefined): Check | undefined {
  const common = { id: 'acceleration', title: 'Hardware virtualization', why: 'With it guests run at nearly the speed of this computer.' };
  if (found === undefined || found === 'none') return undefined;
  if (found !== 'tcg') return { ...common, status: 'ok', found: `Guests run with hardware virtualization (${found.toUpperCase()}).` };
  return {
    ...common,
    status: 'warning',
    found: reason ?? 'Guests are emulated in software, which is slow.',
    fix: { text: 'Machines work all the same. Turn on VT-x, AMD-V or SVM in the firmware, or nested virtualization if this is a virtual machine itself.' },
  };
}

async function diskCheck(dataDir: string): Promise<Check> {
  const common = { id: 'disk', title: 'Disk space', why: 'Images and the disks of machines are kept in Hayloft’s data folder.' };
  const { bavail, bsize } = await statfs(dataDir);
  const free = bavail * bsize;
  const words = `${(free / gib).toFixed(free < 10 * gib ? 1 : 0)} GiB are free in ${dataDir}.`;
  if (free >= leastDiskBytes) return { ...common, status: 'ok', found: words };
  return {
    ...common,
    status: 'warning',
    found: words,
    fix: { text: 'Free some space, or start Hayloft with --data-dir on a larger disk.' },
  };
}
