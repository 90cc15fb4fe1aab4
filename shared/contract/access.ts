/** Ways into a guest: ports that lead to it, and a shell by SSH. */
import { z } from 'zod';
import { topic } from './define.ts';
import { errorData } from './errors.ts';
import { objectRef } from './machines.ts';

const port = z.number().int().min(1).max(65_535);

/** A port of this computer, on its loopback address, that leads to a TCP port of a guest for as long as the app runs. */
export const portForward = z.object({
  id: z.string(),
  machine: objectRef,
  port,
  localPort: port,
  /** When it was opened, in milliseconds since the epoch. */
  opened: z.number(),
  /** Connections that go through it now, and that went through it in all. */
  connections: z.number(),
  total: z.number(),
  /** Why the last connection failed; absent when it did not. */
  error: errorData.optional(),
});
export type PortForward = z.infer<typeof portForward>;

/** Where a browser finds what listens behind a port; ports that end in 443 speak TLS by custom. */
export const forwardAddress = ({ port: to, localPort }: Pick<PortForward, 'port' | 'localPort'>): string =>
  `http${to % 1000 === 443 ? 's' : ''}://127.0.0.1:${localPort}/`;

/** A guest's SSH server, reached through the cluster. */
const sshTarget = objectRef.extend({ port: port.default(22) });

export const hostKey = z.object({
  /** `ssh-ed25519` */
  type: z.string(),
  /** As OpenSSH shows it: `SHA256:…`. */
  fingerprint: z.string(),
  /** Whether it was trusted before: `changed` when another one was. */
  state: z.enum(['trusted', 'new', 'changed']),
  /** The fingerprint that was trusted. */
  trusted: z.string().optional(),
});
export type HostKey = z.infer<typeof hostKey>;

/** The public half of a key of this computer's user. */
export const publicKey = z.object({
  /** `ssh-ed25519` */
  type: z.string(),
  comment: z.string(),
  /** As it stands in `authorized_keys`. */
  text: z.string(),
  /** As OpenSSH shows it: `SHA256:…`. */
  fingerprint: z.string(),
  from: z.enum(['file', 'agent']),
  path: z.string().optional(),
});
export type PublicKey = z.infer<typeof publicKey>;

/** What the server is told besides this computer's keys and agent. Asked each time, kept nowhere. */
export const sshSecret = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('password'), password: z.string().max(1000) }),
  z.object({ kind: z.literal('passphrase'), key: z.string(), passphrase: z.string().max(1000) }),
]);
export type SshSecret = z.infer<typeof sshSecret>;

const size = { columns: z.number().int().min(1).max(1000), rows: z.number().int().min(1).max(1000) };

export const accessCalls = {
  /**
   * Opens a port of this computer that leads to the guest's. Without `localPort`, any free one; where the guest's port has
   * one already, that.
   */
  'access.forward': { input: objectRef.extend({ port, localPort: port.optional() }), output: portForward },
  'access.closeForward': { input: z.object({ id: z.string() }), output: z.object({}) },
  /** Opens the address of a port in this computer's browser, for a window that cannot do so itself. */
  'access.browse': { input: z.object({ id: z.string() }), output: z.object({}) },
  /** Asks the guest's SSH server for its key. */
  'ssh.hostKey': { input: sshTarget, output: hostKey },
  /** From now on the guest is to have this key. `replace` says that another one was trusted and is not any more. */
  'ssh.trust': { input: sshTarget.extend({ fingerprint: z.string(), replace: z.boolean() }), output: z.object({}) },
  /** The keys of this computer's user that an SSH server could be shown, and a likely name to log in with. */
  'ssh.keys': {
    input: z.object({}),
    output: z.object({
      agent: z.boolean(),
      keys: z.array(z.object({ path: z.string(), type: z.string(), encrypted: z.boolean() })),
      userName: z.string(),
    }),
  },
  /** Keys that a guest can be given, so that it lets this computer's user in. */
  'ssh.publicKeys': { input: z.object({}), output: z.object({ keys: z.array(publicKey) }) },
  'ssh.resize': { input: z.object({ sessionId: z.string(), ...size }), output: z.object({}) },
};

export const accessTopics = {
  forwards: topic({ params: z.object({}), item: portForward, key: (item) => item.id }),
};

export const accessStreams = {
  /**
   * A login shell in the guest. Refused with `untrusted` while the server's key is not trusted, and with `unauthorized` (its
   * `field` is `password`) when the login was.
   */
  'ssh.shell': {
    params: sshTarget.extend({ user: z.string().min(1).max(64), secret: sshSecret.optional(), ...size }),
    opened: z.object({ sessionId: z.string() }),
  },
};
