/** The page's connection to the backend: made, lost, and made again, with every subscription carried over. */
import { createChannelClient } from '#shared/channel/client.ts';
import { connectDesktopCarrier } from '#shared/channel/desktop-bridge.ts';
import type { Carrier } from '#shared/channel/frames.ts';
import type { ByteStream, ChannelClient, TopicListener } from '#shared/channel/types.ts';
import { connectWebSocketCarrier } from '#shared/channel/web-socket-carrier.ts';
import type {
  CallInput,
  CallName,
  CallOutput,
  StreamName,
  StreamOpened,
  StreamParams,
  TopicItem,
  TopicName,
  TopicParams,
} from '#shared/contract/contract.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import { signIn } from './session.ts';

export type ConnectionState = 'connecting' | 'open' | 'lost' | 'signed-out';

const firstRetryMs = 300;
const slowestRetryMs = 5000;

class Connection {
  state = $state<ConnectionState>('connecting');
  /** Since when `state` is what it is, in milliseconds since the epoch. */
  since = $state(Date.now());
  #client: ChannelClient | undefined;
  readonly #followers = new Set<(client: ChannelClient) => void>();
  #waiting: ((client: ChannelClient) => void)[] = [];

  /** Connects, and goes on trying. */
  start(): void {
    void this.#connect(firstRetryMs);
  }

  async call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
    return (await this.#ready()).call(name, input);
  }

  async open<N extends StreamName>(name: N, params: StreamParams<N>): Promise<ByteStream & { opened: StreamOpened<N> }> {
    return (await this.#ready()).open(name, params);
  }

  /** Follows a topic over every loss of the connection; each time it begins with a snapshot. */
  follow<N extends TopicName>(name: N, params: TopicParams<N>, listener: TopicListener<TopicItem<N>>): () => void {
    let stop: () => void = () => undefined;
    const subscribe = (client: ChannelClient): void => {
      stop = client.subscribe(name, params, {
        ...listener,
        onError: (error) => {
          // Told by the state of the connection itself; the list stays as it was last known.
          if (error.code !== 'connection-lost') listener.onError(error);
        },
      });
    };
    this.#followers.add(subscribe);
    if (this.#client) subscribe(this.#client);
    return () => {
      this.#followers.delete(subscribe);
      stop();
    };
  }

  #ready(): Promise<ChannelClient> {
    if (this.#client) return Promise.resolve(this.#client);
    if (this.state === 'lost') {
      return Promise.reject(
        new HayloftError('connection-lost', 'Hayloft is not connected.', { hint: 'It reconnects by itself.', retryable: true }),
      );
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #connect(retryMs: number): Promise<void> {
    let carrier: Carrier;
    try {
      carrier = await this.#carrier();
    } catch (error) {
      if (error instanceof HayloftError && error.code === 'unauthorized') {
        this.#enter('signed-out');
        return;
      }
      if (this.state !== 'connecting') this.#enter('lost');
      setTimeout(() => void this.#connect(Math.min(retryMs * 2, slowestRetryMs)), retryMs * (0.7 + Math.random() * 0.6));
      return;
    }
    const client = createChannelClient(carrier);
    const clientClosed = carrier.onClose;
    carrier.onClose = () => {
      clientClosed();
      this.#client = undefined;
      this.#enter('lost');
      void this.#connect(firstRetryMs);
    };
    this.#client = client;
    this.#enter('open');
    for (const resolve of this.#waiting.splice(0)) resolve(client);
    for (const subscribe of this.#followers) subscribe(client);
  }

  async #carrier(): Promise<Carrier> {
    if (window.hayloft) return connectDesktopCarrier(window.hayloft);
    await signIn();
    return connectWebSocketCarrier(`ws://${location.host}/channel`);
  }

  #enter(state: ConnectionState): void {
    if (this.state === state) return;
    this.state = state;
    this.since = Date.now();
  }
}

export const connection = new Connection();
