/** Connections of Node's HTTPS client that go through a proxy. */
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';
import { openTunnel } from './tunnel.ts';

export class TunnelAgent extends Agent {
  readonly #proxy: string;

  constructor(proxy: string, options: AgentOptions) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(options: ConnectionOptions, callback?: (error: Error | null, stream: Duplex) => void): Duplex | undefined {
    const to = { host: options.host ?? 'localhost', port: options.port ?? 443 };
    openTunnel(this.#proxy, to).then(
      (socket) => callback?.(null, connect({ ...options, socket })),
      (error: unknown) => callback?.(error as Error, undefined as never),
    );
    return undefined;
  }
}
