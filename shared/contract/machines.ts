/** Virtual machines: the list, one machine, and what can be done to it. */
import { z } from 'zod';
import { topic } from './define.ts';

/** Names one object on one cluster. */
export const objectRef = z.object({ clusterId: z.string(), namespace: z.string(), name: z.string() });
export type ObjectRef = z.infer<typeof objectRef>;

/** Joins an {@link ObjectRef} into one string, for keys and addresses. */
export function refKey(ref: ObjectRef): string {
  return `${ref.clusterId}/${ref.namespace}/${ref.name}`;
}

export const powerAction = z.enum(['start', 'stop', 'forceOff', 'restart', 'pause', 'unpause']);
export type PowerAction = z.infer<typeof powerAction>;

/** What can be asked of a machine's power: also starting it with its processors stopped, and its two ways to start over. */
export const powerCommand = z.enum([...powerAction.options, 'startPaused', 'softReboot', 'reset']);
export type PowerCommand = z.infer<typeof powerCommand>;

/** Whether an action can be used now; if not, why not, in words for a tooltip. */
export const actionState = z.object({ allowed: z.boolean(), reason: z.string().optional() });

export const runStrategy = z.enum(['Always', 'RerunOnFailure', 'Manual', 'Halted', 'Once']);

/** How a status is to be drawn; each has its own colour, shape and word. */
export const statusTone = z.enum(['good', 'busy', 'off', 'warning', 'bad']);
export type StatusTone = z.infer<typeof statusTone>;

export const machine = objectRef.extend({
  key: z.string(),
  uid: z.string(),
  /** KubeVirt's `status.printableStatus`. */
  status: z.string(),
  tone: statusTone,
  /** Why it is not running, in one sentence; absent when there is nothing to explain. */
  reason: z.string().optional(),
  runStrategy: z.string(),
  cores: z.number(),
  memoryBytes: z.number(),
  node: z.string().optional(),
  addresses: z.array(z.string()),
  labels: z.record(z.string(), z.string()),
  /** When the machine was created and when it last began to run, in milliseconds since the epoch. */
  created: z.number(),
  started: z.number().optional(),
  /** The guest runs by software emulation: slow. */
  emulated: z.boolean(),
  hasGraphics: z.boolean(),
  hasSerial: z.boolean(),
  actions: z.record(powerAction, actionState),
  /** It was changed while it runs, and the change waits for a restart. */
  restartRequired: z.boolean().optional(),
  /** Why it cannot be moved to another node while it runs, as the cluster says. */
  notMigratable: z.string().optional(),
  /** Name of the snapshot or restore that works on it now. */
  snapshotting: z.string().optional(),
  restoring: z.string().optional(),
});
export type Machine = z.infer<typeof machine>;

export const machineDisk = z.object({
  name: z.string(),
  kind: z.enum(['disk', 'cdrom', 'lun']),
  bus: z.string().optional(),
  bootOrder: z.number().optional(),
  claim: z.string().optional(),
  /** KubeVirt's name for what is behind it: `dataVolume`, `cloudInitNoCloud`, `emptyDisk`; absent for an empty drive. */
  source: z.string().optional(),
  /** The container image behind it. */
  image: z.string().optional(),
  storageClass: z.string().optional(),
  /** Whether the volume is a file (`Filesystem`) or a device of its own (`Block`). */
  volumeMode: z.string().optional(),
  readOnly: z.boolean(),
  /** It can be taken out while the machine runs. */
  hotpluggable: z.boolean(),
  /** What the running guest is likely to call it: `vda`. */
  target: z.string().optional(),
  /** Whether the running guest has it; absent while the machine is off. */
  plugged: z.boolean().optional(),
  /** What is wrong with it, as a sentence. */
  trouble: z.string().optional(),
  sizeBytes: z.number().optional(),
  /** Bytes on the host's disk, where the cluster tells. */
  usedBytes: z.number().optional(),
  /** Phase of the volume behind it (`Bound`, `Pending`, a DataVolume's phase). */
  phase: z.string().optional(),
  progress: z.number().min(0).max(1).optional(),
  /** Whether the claim belongs to the machine and would be deleted with it. */
  owned: z.boolean(),
});
export type MachineDisk = z.infer<typeof machineDisk>;

export const machineNetwork = z.object({
  name: z.string(),
  /** `masquerade`, `bridge`, `sriov`, or the name of a binding plug-in. */
  binding: z.string(),
  model: z.string().optional(),
  mac: z.string().optional(),
  addresses: z.array(z.string()),
  /** The NetworkAttachmentDefinition that it is on; absent on the pod network. */
  network: z.string().optional(),
  /** What the guest calls it: `enp1s0`. */
  device: z.string().optional(),
  link: z.enum(['up', 'down', 'unknown']),
  /** The guest has it and the machine's definition does not. */
  guestOnly: z.boolean(),
});
export type MachineNetwork = z.infer<typeof machineNetwork>;

export const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  since: z.number().optional(),
});
export type MachineCondition = z.infer<typeof condition>;

export const machineEvent = z.object({
  key: z.string(),
  type: z.enum(['Normal', 'Warning']),
  reason: z.string(),
  message: z.string(),
  count: z.number(),
  /** When it last and when it first happened, in milliseconds since the epoch. */
  at: z.number(),
  firstAt: z.number(),
  /** What it is about: `VirtualMachine`, `Pod`; its name, where that is not the machine's own. */
  about: z.string(),
  name: z.string().optional(),
  /** Who told it: `virt-handler`, `node-2`. */
  from: z.string().optional(),
});
export type MachineEvent = z.infer<typeof machineEvent>;

export const machineDetail = machine.extend({
  description: z.string().optional(),
  firmware: z.enum(['bios', 'uefi']),
  machineType: z.string().optional(),
  cpuModel: z.string().optional(),
  disks: z.array(machineDisk),
  networks: z.array(machineNetwork),
  conditions: z.array(condition),
  events: z.array(machineEvent),
  /** Why it does not run, or what its running instance lacks, and what to do about it. */
  explanation: z
    .object({
      tone: z.enum(['info', 'warning', 'bad']),
      sentence: z.string(),
      next: z.string().optional(),
      /** When it is tried again by itself, in milliseconds since the epoch. */
      retryAt: z.number().optional(),
    })
    .optional(),
  /** Whether the agent in the guest answers. */
  agent: z.boolean(),
  /** What the guest runs, as its agent says. */
  system: z.object({ id: z.string().optional(), name: z.string().optional(), kernel: z.string().optional() }).optional(),
});
export type MachineDetail = z.infer<typeof machineDetail>;

/** What a guest tells of itself when it is asked. */
export const guestReport = z.object({
  hostName: z.string().optional(),
  timeZone: z.string().optional(),
  agentVersion: z.string().optional(),
  fileSystems: z.array(z.object({ mountPoint: z.string(), type: z.string(), usedBytes: z.number(), totalBytes: z.number() })),
  /** Who is logged in, and since when in milliseconds since the epoch. */
  users: z.array(z.object({ name: z.string(), since: z.number() })),
});
export type GuestReport = z.infer<typeof guestReport>;

export const machineCalls = {
  'machines.power': { input: objectRef.extend({ action: powerCommand }), output: z.object({}) },
  /** Fails where no agent answers. */
  'machines.guest': { input: objectRef, output: guestReport },
  /** Opens a port that leads to the guest's SSH server, unless there is one, and tells where it is. */
  'machines.openSsh': { input: objectRef, output: z.object({ host: z.string(), port: z.number() }) },
  /** Sets labels of the machine, and takes off those that are null. */
  'machines.label': { input: objectRef.extend({ labels: z.record(z.string(), z.string().nullable()) }), output: z.object({}) },
};

export const machineTopics = {
  machines: topic({
    params: z.object({ clusterId: z.string().optional() }),
    item: machine,
    key: (item) => item.key,
  }),
  machine: topic({ params: objectRef, item: machineDetail, key: (item) => item.key }),
};
