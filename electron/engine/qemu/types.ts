/** What the machines module may know about QEMU. */
import type { Duplex } from 'node:stream';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { DiskFile } from '../disks/types.ts';
import type { GuestAgent } from './agent/types.ts';
import type { Offers } from './offers.ts';
import type { QmpEvent } from './qmp.ts';

export type Accelerator = 'kvm' | 'hvf' | 'whpx' | 'tcg';

/** How guests run here. Found by running a real guest for a moment, remembered for this boot of the host. */
export interface Acceleration {
  /** `none` when there is no QEMU at all. */
  accelerator: Accelerator | 'none';
  /** Why it is not hardware virtualization, in a sentence for a person. Absent when it is. */
  reason?: string;
  qemuVersion?: string;
}

/** A guest to be started: its spec and the files behind its volumes, by volume name. */
export interface GuestPlan {
  vmi: VirtualMachineInstance;
  volumes: ReadonlyMap<string, DiskFile>;
  /** Devices of this computer that interfaces are joined to, by interface name; the others get a network of QEMU's own. */
  links?: ReadonlyMap<string, HostLink>;
  /** It waits for a saved state, see `incomingSocket`. */
  incoming?: boolean;
  /** Images that live as long as the guest (cloud-init and its like), by volume name. */
  discs?: ReadonlyMap<string, Uint8Array>;
}

/** How a guest's interface is joined to a network of this computer: a tap by name, or an open descriptor of one. */
export type HostLink = { kind: 'tap'; device: string } | { kind: 'descriptor'; descriptor: number; close: () => void };

/** How a guest's process stands, from QMP `query-status`. */
export type GuestState = 'starting' | 'incoming' | 'running' | 'paused' | 'shutdown' | 'io-error' | 'internal-error' | 'crashed';

/** How a guest came to its end. */
export interface GuestExit {
  /** Guest-initiated or asked for (ACPI, quit): not a failure. */
  clean: boolean;
  /** What happened, in a sentence; QEMU's own last words where it said any. */
  message: string;
}

/** A guest's QMP connection, for the capabilities that have folders of their own. */
export interface Monitor {
  /** @returns what QEMU answers; rejects with a QmpError */
  command(name: string, args?: Record<string, unknown>): Promise<unknown>;
  /** Every event that QEMU tells. Returns a function that stops it. */
  onEvent(listener: (event: QmpEvent) => void): () => void;
}

/** One running QEMU process. It goes on when the engine ends. */
export interface Guest {
  /** The VMI's uid, by which it is found again. */
  readonly uid: string;
  readonly pid: number;
  /** Its own, for as long as it runs: sockets may lie there. */
  readonly folder: string;
  readonly monitor: Monitor;
  readonly agent: GuestAgent;
  /** Rejects with a QmpError when QEMU does not answer: it has ended, or stands still. */
  state(): Promise<GuestState>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Presses the ACPI power button. */
  powerDown(): Promise<void>;
  /**
   * Has the guest's agent reboot it, where one is connected and obeys; else presses the power button, and begins anew
   * when the guest has shut down, if it does so within the limit.
   */
  reboot(limitMs: number): Promise<void>;
  /** Resets it without warning the guest. */
  reset(): Promise<void>;
  /** Ends the process at once; resolves when it is gone. `how` its end is told; as turned off when not given. */
  kill(how?: GuestExit): Promise<void>;
  /** PNG bytes of the screen. */
  screenshot(): Promise<Uint8Array>;
  /** A new connection to the VNC server, paused; its chunks may be given back (`giveBack`). Throws when the guest has no screen. */
  vnc(): Promise<Duplex>;
  /** The socket of its screen, for whoever may open it. */
  readonly vncSocket: string;
  /** A viewer of the first serial line: begins with the last output (up to 64 KiB), then follows. */
  serial(): Promise<Duplex>;
  /** State changes and the end, as QMP tells them. Returns a function that stops it. */
  onChange(listener: () => void): () => void;
  /** Resolves when the process is gone, however that came about. */
  readonly ended: Promise<GuestExit>;
}

export interface Hypervisor {
  /** Runs the test guest on first use after a boot of the host (seconds), answers from memory afterwards. */
  acceleration(): Promise<Acceleration>;
  /** Starts QEMU, detached, and resolves when QMP answers. Throws a HayloftError with QEMU's own words. */
  start(plan: GuestPlan): Promise<Guest>;
  /** Finds every process that an earlier engine left running: all of them, whether they answer or not. */
  adopt(): Promise<Guest[]>;
  /** Which boards and processors there are; undefined until QEMU was asked, soon after the start. */
  offers(): Offers | undefined;
  /** Removes the firmware's and the TPMs' kept state of all machines but these (uids, see `keeperOf`). */
  forgetOthers(keepers: ReadonlySet<string>): void;
  /** Lets go of all guests (connections closed, processes untouched). */
  release(): Promise<void>;
}
