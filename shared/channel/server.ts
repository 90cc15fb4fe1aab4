/** The backend's end of the channel: checks what is asked, runs its handler, answers. */
import type { z } from 'zod';
import { contract } from '../contract/contract.ts';
import type { CallDefinition, StreamDefinition, TopicDefinition } from '../contract/define.ts';
import { asHayloftError, HayloftError } from '../contract/errors.ts';
import { request } from './frames.ts';
import type { Carrier, Request, Response } from './frames.ts';
import type { HandlerContext, Handlers, ServerStream } from './handlers.ts';
import { ServerStreamEnd } from './server-stream.ts';
import { Subscription } from './subscription.ts';
import type { TopicSource } from './types.ts';

export interface ServeOptions {
  /** Told of errors that are nobody's fault but Hayloft's (`internal`), for the log. */
  onInternalError?: (name: string, error: HayloftError) => void;
}

/** The handlers as the server calls them: the contract's schemas, not the compiler, vouch for what goes in. */
interface LooseHandlers {
  calls: Record<string, (input: unknown, context: HandlerContext) => Promise<unknown>>;
  topics: Record<string, (params: unknown) => TopicSource<unknown>>;
  streams: Record<
    string,
    (params: unknown, stream: ServerStream<unknown>, context: HandlerContext) => Promise<void>
  >;
}

interface LooseContract {
  calls: Record<string, CallDefinition>;
  topics: Record<string, TopicDefinition>;
  streams: Record<string, StreamDefinition>;
}

/** Something that was asked and is not answered to the end yet. */
interface Task {
  /** The asking side gave up, or is gone. */
  cancel(error: HayloftError): void;
  /** Takes a message about this task; false when it is out of place. */
  receive?(message: Request): boolean;
  receiveData?(bytes: Uint8Array): boolean;
}

/**
 * Answers one carrier from `handlers`, until it closes; then everything under way is cancelled.
 * A frame that is not of the protocol closes the carrier; input that its schema refuses fails with `bad-input`.
 */
export function serveChannel(carrier: Carrier, handlers: Handlers, options: ServeOptions = {}): void {
  const server = new Server(carrier, handlers as unknown as LooseHandlers, options);
  carrier.onControl = (message) => server.receive(message);
  carrier.onData = ({ id, bytes }) => server.receiveData(id, bytes);
  carrier.onClose = () => server.close();
}

class Server {
  readonly #carrier: Carrier;
  readonly #handlers: LooseHandlers;
  readonly #options: ServeOptions;
  readonly #contract: LooseContract = contract;
  readonly #tasks = new Map<number, Task>();
  /** Ids only grow, so that one is never taken for another. */
  #lastId = 0;
  #closed = false;

  constructor(carrier: Carrier, handlers: LooseHandlers, options: ServeOptions) {
    this.#carrier = carrier;
    this.#handlers = handlers;
    this.#options = options;
  }

  receive(message: unknown): void {
    const parsed = request.safeParse(message);
    if (!parsed.success) {
      this.#carrier.close();
      return;
    }
    const frame = parsed.data;
    if (frame.t === 'call' || frame.t === 'subscribe' || frame.t === 'open') {
      if (frame.id <= this.#lastId) {
        this.#carrier.close();
        return;
      }
      this.#lastId = frame.id;
      this.#begin(frame);
      return;
    }
    // What is said of a task that has just ended crossed its last message on the way.
    const task = this.#tasks.get(frame.id);
    if (task === undefined) return;
    if (frame.t === 'cancel') {
      this.#tasks.delete(frame.id);
      task.cancel(
        frame.error === undefined
          ? new HayloftError('cancelled', 'The request was cancelled.')
          : HayloftError.fromData(frame.error),
      );
    } else if (task.receive?.(frame) !== true) {
      this.#carrier.close();
    }
  }

  receiveData(id: number, bytes: Uint8Array): void {
    if (this.#tasks.get(id)?.receiveData?.(bytes) === false) this.#carrier.close();
  }

  close(): void {
    this.#closed = true;
    const lost = new HayloftError('connection-lost', 'The window that asked for this is gone.', { retryable: true });
    for (const task of this.#tasks.values()) task.cancel(lost);
    this.#tasks.clear();
  }

  #begin(frame: Request & { t: 'call' | 'subscribe' | 'open' }): void {
    const { id, name } = frame;
    try {
      if (frame.t === 'call') {
        const definition = find(this.#contract.calls, name);
        this.#call(id, name, checked(definition.input, frame.input));
      } else if (frame.t === 'subscribe') {
        const definition = find(this.#contract.topics, name);
        this.#subscribe(id, name, definition, checked(definition.params, frame.params));
      } else {
        const definition = find(this.#contract.streams, name);
        this.#open(id, name, checked(definition.params, frame.params));
      }
    } catch (error) {
      this.#refused(id, name, error);
    }
  }

  #call(id: number, name: string, input: unknown): void {
    const abort = new AbortController();
    this.#tasks.set(id, { cancel: (error) => abort.abort(error) });
    started(() => find(this.#handlers.calls, name)(input, { signal: abort.signal })).then(
      (output) => {
        if (this.#tasks.delete(id)) this.#send({ t: 'result', id, output });
      },
      (error: unknown) => this.#failed(id, name, error),
    );
  }

  #subscribe(id: number, name: string, definition: TopicDefinition, params: unknown): void {
    const source = find(this.#handlers.topics, name)(params);
    // `key` takes items of this topic, and only this topic's source gives them.
    const key = definition.key as (item: unknown) => string;
    const subscription = new Subscription(source, key, {
      send: (message) => this.#send({ ...message, id }),
      failed: (error) => this.#failed(id, name, error),
    });
    this.#tasks.set(id, {
      cancel: () => subscription.dispose(),
      receive: (frame) => frame.t === 'ack' && subscription.acknowledged(),
    });
    subscription.start();
  }

  #open(id: number, name: string, params: unknown): void {
    const abort = new AbortController();
    const stream = new ServerStreamEnd({
      opened: (output) => this.#send({ t: 'opened', id, output }),
      data: (bytes) => {
        if (!this.#closed) this.#carrier.sendData({ id, bytes });
      },
      end: () => this.#send({ t: 'end', id }),
      credit: (bytes) => this.#send({ t: 'credit', id, bytes }),
      abort: (error) => {
        const reason = error ?? new HayloftError('cancelled', 'Hayloft ended this transfer.');
        this.#failed(id, name, reason);
        abort.abort(reason);
      },
    });
    this.#tasks.set(id, {
      cancel: (error) => {
        stream.fail(error);
        abort.abort(error);
      },
      receive: (frame) => stream.receive(frame),
      receiveData: (bytes) => stream.receiveData(bytes),
    });
    started(() => find(this.#handlers.streams, name)(params, stream, { signal: abort.signal })).then(
      () => {
        if (!this.#tasks.has(id)) return;
        if (!stream.accepted) {
          this.#failed(id, name, new HayloftError('internal', `“${name}” ended without an answer.`));
          return;
        }
        stream.finish(() => {
          this.#tasks.delete(id);
          this.#send({ t: 'closed', id });
        });
      },
      (error: unknown) => {
        this.#failed(id, name, error);
        stream.fail(asHayloftError(error));
      },
    );
  }

  /** Ends a task with an error; one that was cancelled meanwhile has nobody waiting for it. */
  #failed(id: number, name: string, thrown: unknown): void {
    if (this.#tasks.delete(id)) this.#refused(id, name, thrown);
  }

  #refused(id: number, name: string, thrown: unknown): void {
    const error = asHayloftError(thrown);
    if (error.code === 'internal') this.#options.onInternalError?.(name, error);
    this.#send({ t: 'failed', id, error: error.toData() });
  }

  #send(message: Response): void {
    if (!this.#closed) this.#carrier.sendControl(message);
  }
}

/** Runs a handler so that what it throws at once and what it rejects with later take the same way. */
async function started<T>(run: () => Promise<T>): Promise<T> {
  return run();
}

function find<T>(table: Record<string, T>, name: string): T {
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found !== undefined) return found;
  throw new HayloftError('unsupported', `Hayloft does not know “${name}”.`, {
    hint: 'The window and the part behind it may be of different versions: reload the window or restart Hayloft.',
  });
}

function checked(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new HayloftError('bad-input', `${field === '' ? 'The request' : `“${field}”`} is not right: ${issue?.message ?? ''}`, {
    ...(field === '' ? {} : { field }),
    cause: parsed.error,
  });
}
