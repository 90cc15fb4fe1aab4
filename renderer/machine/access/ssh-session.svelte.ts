/** One SSH session as its tab shows it: from the server's key over the login to the end of the shell. */
import type { ByteStream } from '#shared/channel/types.ts';
import type { HostKey, SshSecret } from '#shared/contract/access.ts';
import { asHayloftError, type HayloftError } from '#shared/contract/errors.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import { connection } from '../../state/connection.svelte.ts';

export type SshState = 'form' | 'connecting' | 'trust' | 'open' | 'ended';

interface Size {
  columns: number;
  rows: number;
}

export class SshSession {
  state = $state<SshState>('form');
  /** What went wrong last. */
  error = $state.raw<HayloftError | undefined>(undefined);
  /** The key that is to be trusted, or not. */
  hostKey = $state.raw<HostKey | undefined>(undefined);
  user = $state('');
  readonly #machine: ObjectRef;
  readonly #port = 22;
  readonly #show: (bytes: Uint8Array) => void;
  readonly #size: () => Size;
  #secret: SshSecret | undefined;
  #stream: (ByteStream & { opened: { sessionId: string } }) | undefined;
  #stopped = false;
  /** The person ended it. */
  #left = false;

  /** @param show takes what the shell writes; @param size tells the terminal's size */
  constructor(machine: ObjectRef, show: (bytes: Uint8Array) => void, size: () => Size) {
    const { clusterId, namespace, name } = machine;
    this.#machine = { clusterId, namespace, name };
    this.#show = show;
    this.#size = size;
  }

  /** @param secret is used for this login and not kept */
  async connect(secret?: SshSecret): Promise<void> {
    this.#secret = secret;
    this.state = 'connecting';
    this.error = undefined;
    try {
      const hostKey = await connection.call('ssh.hostKey', this.#target);
      if (this.#stopped) return;
      if (hostKey.state === 'trusted') {
        await this.#open();
        return;
      }
      this.hostKey = hostKey;
      this.state = 'trust';
    } catch (error) {
      this.#failed(error);
    }
  }

  /** The server is who it should be. */
  async trust(): Promise<void> {
    const { hostKey } = this;
    if (!hostKey) return;
    this.state = 'connecting';
    try {
      await connection.call('ssh.trust', { ...this.#target, fingerprint: hostKey.fingerprint, replace: hostKey.state === 'changed' });
      this.hostKey = undefined;
      await this.#open();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Back to the questions, without an answer to the last one. */
  cancel(): void {
    this.#secret = undefined;
    this.hostKey = undefined;
    this.error = undefined;
    this.state = 'form';
  }

  type(bytes: Uint8Array): void {
    // A shell that has ended says so itself.
    this.#stream?.write(bytes).catch(() => undefined);
  }

  resize(size: Size): void {
    const sessionId = this.#stream?.opened.sessionId;
    if (sessionId !== undefined) void connection.call('ssh.resize', { sessionId, ...size }).catch(() => undefined);
  }

  /** Ends the shell, and stays to begin another. */
  disconnect(): void {
    this.#left = true;
    this.#stream?.abort();
  }

  stop(): void {
    this.#stopped = true;
    this.#stream?.abort();
  }

  get #target(): ObjectRef & { port: number } {
    return { ...this.#machine, port: this.#port };
  }

  async #open(): Promise<void> {
    const secret = this.#secret;
    this.#secret = undefined;
    const stream = await connection.open('ssh.shell', { ...this.#target, user: this.user, ...(secret ? { secret } : {}), ...this.#size() });
    if (this.#stopped) {
      stream.abort();
      return;
    }
    this.#stream = stream;
    this.#left = false;
    this.state = 'open';
    try {
      for await (const chunk of stream.chunks) this.#show(chunk);
    } catch (error) {
      if (!this.#hasLeft()) this.error = asHayloftError(error);
    }
    this.#stream = undefined;
    this.state = 'ended';
  }

  /** Asked anew, as it changes while the shell is read. */
  #hasLeft(): boolean {
    return this.#left;
  }

  #failed(error: unknown): void {
    this.#secret = undefined;
    this.error = asHayloftError(error);
    this.state = 'form';
  }
}
