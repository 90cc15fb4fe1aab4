/** The renderer's end of the channel: asks, and matches what comes back with what was asked. */
import type { z } from 'zod';
import { contract } from '../contract/contract.ts';
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
} from '../contract/contract.ts';
import { HayloftError } from '../contract/errors.ts';
import { StreamEnd } from './byte-stream.ts';
import { response } from './frames.ts';
import type { Carrier, Request, Response } from './frames.ts';
import type { ByteStream, ChannelClient, TopicListener } from './types.ts';

/** Something that was asked and is not over yet. */
interface Exchange {
  receive(message: Response): void;
  /** Takes bytes of a stream; false when the far side sent more than it may. */
  receiveData?(bytes: Uint8Array): boolean;
  /** The carrier is gone, or the far side is not to be understood. */
  fail(error: HayloftError): void;
}

/** The error that everything under way ends with when the carrier closes. */
export function connectionLost(): HayloftError {
  return new HayloftError('connection-lost', 'The connection to Hayloft was lost.', {
    hint: 'Hayloft tries to connect again. If this stays, check that it is still running.',
    retryable: true,
  });
}

function cancelled(): HayloftError {
  return new HayloftError('cancelled', 'The request was cancelled.');
}

/** Reads what the far side sent by the contract's schema, so that the types above the channel are true. */
function read<S extends z.ZodType>(schema: S, name: string, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const at = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new HayloftError('internal', `Hayloft's answer to “${name}” does not fit what was agreed (at “${at}”).`, {
    hint: 'The window and the part behind it may be of different versions: reload the window or restart Hayloft.',
    cause: parsed.error,
  });
}

/**
 * Makes the renderer's end of a channel over a fresh carrier.
 * When the carrier closes, everything under way fails with `connection-lost`, and so does all that is asked after it.
 */
export function createChannelClient(carrier: Carrier): ChannelClient {
  return new Client(carrier);
}

class Client implements ChannelClient {
  readonly #carrier: Carrier;
  readonly #exchanges = new Map<number, Exchange>();
  #lastId = 0;
  #closed = false;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
    carrier.onControl = (message) => this.#receive(message);
    carrier.onData = ({ id, bytes }) => {
      // Bytes of a stream given up a moment ago may still be on their way: no exchange, no harm.
      if (this.#exchanges.get(id)?.receiveData?.(bytes) === false) carrier.close();
    };
    carrier.onClose = () => {
      this.#closed = true;
      const lost = connectionLost();
      for (const exchange of [...this.#exchanges.values()]) exchange.fail(lost);
      this.#exchanges.clear();
    };
  }

  call<N extends CallName>(
    name: N,
    input: CallInput<N>,
    options?: { signal?: AbortSignal },
  ): Promise<CallOutput<N>> {
    const { promise, resolve, reject } = Promise.withResolvers<CallOutput<N>>();
    const refused = this.#refusal(options?.signal);
    if (refused !== undefined) return Promise.reject(refused);
    const id = this.#begin({
      receive: (message) => {
        settle();
        if (message.t === 'result') {
          try {
            // The schema is the contract's own for this name; only the compiler cannot follow the lookup.
            resolve(read(contract.calls[name].output, name, message.output) as CallOutput<N>);
          } catch (error) {
            reject(error);
          }
        } else {
          reject(endingError(name, message));
        }
      },
      fail: (error) => {
        settle();
        reject(error);
      },
    });
    const onAbort = (): void => {
      settle();
      this.#send({ t: 'cancel', id });
      reject(cancelled());
    };
    const settle = (): void => {
      this.#exchanges.delete(id);
      options?.signal?.removeEventListener('abort', onAbort);
    };
    options?.signal?.addEventListener('abort', onAbort);
    this.#send({ t: 'call', id, name, input });
    return promise;
  }

  subscribe<N extends TopicName>(
    name: N,
    params: TopicParams<N>,
    listener: TopicListener<TopicItem<N>>,
  ): () => void {
    let active = true;
    const fail = (error: HayloftError): void => {
      if (!active) return;
      active = false;
      this.#exchanges.delete(id);
      listener.onError(error);
    };
    const items = (values: unknown[]): TopicItem<N>[] =>
      values.map((value) => read(contract.topics[name].item, name, value) as TopicItem<N>);
    const id = this.#begin({
      receive: (message) => {
        if (message.t === 'snapshot' || message.t === 'changes') {
          let deliver: () => void;
          try {
            deliver = this.#delivery(message, items, listener);
          } catch (error) {
            this.#send({ t: 'cancel', id });
            fail(error as HayloftError);
            return;
          }
          // Acknowledged even when the listener throws: its fault must not silence the topic.
          try {
            deliver();
          } finally {
            this.#send({ t: 'ack', id });
          }
        } else {
          fail(endingError(name, message));
        }
      },
      fail,
    });
    if (this.#closed) queueMicrotask(() => fail(connectionLost()));
    else this.#send({ t: 'subscribe', id, name, params });
    return () => {
      if (!active) return;
      active = false;
      this.#exchanges.delete(id);
      this.#send({ t: 'cancel', id });
    };
  }

  open<N extends StreamName>(
    name: N,
    params: StreamParams<N>,
    options?: { signal?: AbortSignal },
  ): Promise<ByteStream & { opened: StreamOpened<N> }> {
    type Opened = ByteStream & { opened: StreamOpened<N> };
    const refused = this.#refusal(options?.signal);
    if (refused !== undefined) return Promise.reject(refused);
    const { promise, resolve, reject } = Promise.withResolvers<Opened>();
    const over = (): void => {
      this.#exchanges.delete(id);
      options?.signal?.removeEventListener('abort', onAbort);
    };
    const stream = new StreamEnd({
      data: (bytes) => this.#carrier.sendData({ id, bytes }),
      end: () => this.#send({ t: 'end', id }),
      credit: (bytes) => this.#send({ t: 'credit', id, bytes }),
      abort: (error) => {
        over();
        this.#send({ t: 'cancel', id, ...(error === undefined ? {} : { error: error.toData() }) });
      },
    });
    const fail = (error: HayloftError): void => {
      over();
      stream.fail(error);
      reject(error);
    };
    const onAbort = (): void => {
      const error = cancelled();
      reject(error);
      stream.abort(error);
    };
    const id = this.#begin({
      receive: (message) => {
        if (message.t === 'opened') {
          try {
            const opened = read(contract.streams[name].opened, name, message.output) as StreamOpened<N>;
            resolve(Object.assign(stream, { opened }));
          } catch (error) {
            reject(error);
            stream.abort(error as HayloftError);
          }
        } else if (message.t === 'credit') {
          stream.receiveCredit(message.bytes);
        } else if (message.t === 'end') {
          stream.receiveEnd();
        } else if (message.t === 'closed') {
          over();
          stream.complete();
        } else {
          fail(endingError(name, message));
        }
      },
      receiveData: (bytes) => stream.receiveData(bytes),
      fail,
    });
    options?.signal?.addEventListener('abort', onAbort);
    this.#send({ t: 'open', id, name, params });
    return promise;
  }

  #delivery<Item>(
    message: Response & { t: 'snapshot' | 'changes' },
    items: (values: unknown[]) => Item[],
    listener: TopicListener<Item>,
  ): () => void {
    if (message.t === 'snapshot') {
      const snapshot = items(message.items);
      return () => listener.onSnapshot(snapshot);
    }
    const upserted = items(message.upserted);
    return () => listener.onChanges(upserted, message.removed);
  }

  #begin(exchange: Exchange): number {
    this.#lastId += 1;
    if (!this.#closed) this.#exchanges.set(this.#lastId, exchange);
    return this.#lastId;
  }

  #send(message: Request): void {
    if (!this.#closed) this.#carrier.sendControl(message);
  }

  #refusal(signal: AbortSignal | undefined): HayloftError | undefined {
    if (this.#closed) return connectionLost();
    return signal?.aborted === true ? cancelled() : undefined;
  }

  #receive(message: unknown): void {
    const parsed = response.safeParse(message);
    if (!parsed.success) {
      this.#carrier.close();
      return;
    }
    this.#exchanges.get(parsed.data.id)?.receive(parsed.data);
  }
}

/** The error in a message that ends an exchange; a message out of place ends it too. */
function endingError(name: string, message: Response): HayloftError {
  if (message.t === 'failed') return HayloftError.fromData(message.error);
  return new HayloftError('internal', `Hayloft answered “${name}” with a message out of place (${message.t}).`);
}
