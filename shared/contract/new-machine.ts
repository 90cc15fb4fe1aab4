/** Making machines: what a form asks for, what it can offer, and what would be sent. */
import { z } from 'zod';
import { mostUserDataBytes } from '../cloud-init/check.ts';
import { objectRef, runStrategy } from './machines.ts';

const name = z.string().min(1).max(253);

/** A port of the guest that is reached from outside, by a Service of type NodePort. */
export const portForward = z.object({
  port: z.number().int().min(1).max(65_535),
  protocol: z.enum(['TCP', 'UDP']),
  /** The port of the host, out of KubeVirt's usual range; absent: any that is free. */
  nodePort: z.number().int().min(30_000).max(32_767).optional(),
});
export type NewPortForward = z.infer<typeof portForward>;

const card = {
  /** `auto` is left to the preference, or to the cluster. */
  model: z.enum(['auto', 'virtio', 'e1000']),
  mac: z.string().regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i, 'A MAC address has six pairs of hexadecimal digits, such as 52:54:00:12:34:56.').optional(),
};

/** A network card: behind the host, or on a network that the cluster has a NetworkAttachmentDefinition of. */
export const networkCard = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('nat'), ...card, forwards: z.array(portForward).max(50) }),
  z.object({
    kind: z.literal('attachment'),
    ...card,
    /** `namespace/name` of the definition. */
    network: name,
    binding: z.enum(['bridge', 'macvtap']),
  }),
]);
export type NetworkCard = z.infer<typeof networkCard>;

export const machineSource = z.discriminatedUnion('kind', [
  /** An installer, beside an empty disk. */
  z.object({ kind: z.literal('iso'), image: name }),
  /** A copy of a disk image. */
  z.object({ kind: z.literal('disk'), image: name }),
  z.object({ kind: z.literal('empty') }),
  /** A claim that is there, as it is. */
  z.object({ kind: z.literal('volume'), claim: name }),
]);
export type MachineSource = z.infer<typeof machineSource>;

/** What makes a machine besides its name and its place. */
const shape = {
  description: z.string().max(2000).optional(),
  source: machineSource,
  /** What it gets; with an instancetype, what that gives. */
  cores: z.number().int().positive(),
  memoryBytes: z.number().int().positive(),
  /** Names of a VirtualMachineClusterInstancetype and a VirtualMachineClusterPreference. */
  instancetype: name.optional(),
  preference: name.optional(),
  /** Of the disk that is made for it; of a volume that is there, its size. */
  diskBytes: z.number().int().positive(),
  /** Of the disk that is made for it; absent: the cluster's default. */
  storageClass: name.optional(),
  /** `auto` is left to the preference, or to the cluster; `secure` is UEFI with secure boot. */
  firmware: z.enum(['auto', 'bios', 'uefi', 'secure']),
  /** A TPM 2.0 that keeps what is in it. */
  tpm: z.boolean(),
  diskBus: z.enum(['auto', 'virtio', 'sata', 'scsi']),
  networks: z.array(networkCard).max(8),
  runStrategy,
};

/** A machine that is made anew. */
export const newMachine = z.object({
  make: z.literal('new'),
  clusterId: z.string(),
  namespace: z.string(),
  name: z.string(),
  ...shape,
  /** cloud-init's user-data, as it is to reach the guest; absent: no cloud-init. */
  userData: z.string().max(mostUserDataBytes).optional(),
});
export type NewMachine = z.infer<typeof newMachine>;

/** A machine as a snapshot holds it, with disks of its own. */
export const machineFromSnapshot = objectRef.extend({ make: z.literal('copy'), snapshot: name });
export type MachineFromSnapshot = z.infer<typeof machineFromSnapshot>;

export const machineRequest = z.discriminatedUnion('make', [newMachine, machineFromSnapshot]);
export type MachineRequest = z.infer<typeof machineRequest>;

/** What a form for a new machine begins with and may ask for, from what the cluster has. */
export const newMachineDefaults = z.object({
  namespace: z.string(),
  name: z.string(),
  cores: z.number(),
  memoryBytes: z.number(),
  diskBytes: z.number(),
  firmware: z.enum(['bios', 'uefi']),
  uefiAvailable: z.boolean(),
  /** What the system in the image asks for, where that is known. */
  guess: z.object({ os: z.string(), tpm: z.boolean(), noVirtio: z.boolean() }).optional(),
  /** Of the largest node; absent where this user may not see nodes. */
  limits: z.object({ cores: z.number(), memoryBytes: z.number(), diskFreeBytes: z.number().optional() }).optional(),
  takenNames: z.array(z.string()),
});
export type NewMachineDefaults = z.infer<typeof newMachineDefaults>;

/** A list of what the cluster has; `reason` says in words why there is none. */
const offer = <T extends z.ZodType>(item: T): z.ZodObject<{ items: z.ZodArray<T>; reason: z.ZodOptional<z.ZodString> }> =>
  z.object({ items: z.array(item), reason: z.string().optional() });

export const offeredType = z.object({
  name: z.string(),
  displayName: z.string().optional(),
  cores: z.number(),
  memoryBytes: z.number(),
});
export type OfferedType = z.infer<typeof offeredType>;

export const offers = z.object({
  volumes: offer(z.object({ claim: z.string(), sizeBytes: z.number().optional(), usedBy: z.array(z.string()) })),
  snapshots: offer(
    z.object({
      name: z.string(),
      machine: z.string(),
      description: z.string().optional(),
      /** In milliseconds since the epoch. */
      taken: z.number(),
      /** Why it cannot be used, or not yet. */
      notReady: z.string().optional(),
    }),
  ),
  instancetypes: offer(offeredType),
  /** `needs`: what a machine must have at least for it. */
  preferences: offer(
    z.object({
      name: z.string(),
      displayName: z.string().optional(),
      needs: z.object({ cores: z.number().optional(), memoryBytes: z.number().optional() }),
    }),
  ),
  /** `network` is `namespace/name`; `reason` says why the app cannot put a machine on it. */
  networks: offer(z.object({ network: z.string(), binding: z.enum(['bridge', 'macvtap']).optional(), reason: z.string().optional() })),
  storageClasses: offer(z.object({ name: z.string(), isDefault: z.boolean() })),
});
export type Offers = z.infer<typeof offers>;

/** Something that the cluster has against a machine; `field` is the question of the form that it is about. */
export const objection = z.object({
  field: z.string().optional(),
  message: z.string(),
  hint: z.string().optional(),
});
export type Objection = z.infer<typeof objection>;

export const newMachineCalls = {
  'machines.defaults': {
    input: z.object({ clusterId: z.string(), image: z.string().optional() }),
    output: newMachineDefaults,
  },
  'machines.offers': { input: z.object({ clusterId: z.string(), namespace: z.string() }), output: offers },
  /** What would be sent, as YAML, and what the cluster says to it in a dry run. Makes nothing. */
  'machines.plan': {
    input: machineRequest,
    output: z.object({ yaml: z.string(), objects: z.array(z.object({ kind: z.string(), name: z.string() })), objections: z.array(objection) }),
  },
  /** Nothing is made of it where the cluster refuses a part. */
  'machines.create': { input: machineRequest, output: objectRef },
  /** A password as cloud-init and `/etc/shadow` take it (SHA-512 crypt). */
  'machines.hashPassword': { input: z.object({ password: z.string().min(1).max(256) }), output: z.object({ hash: z.string() }) },
};
