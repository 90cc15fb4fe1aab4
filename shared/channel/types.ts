/** What both ends of the channel offer to the code above it. */
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
import type { HayloftError } from '../contract/errors.ts';

/** Bytes both ways. Reading slowly slows the far side down; `write` resolves when more may be written. */
export interface ByteStream {
  /** Resolves when the stream can take more; rejects with the error that ended it. */
  write(bytes: Uint8Array): Promise<void>;
  /** No more bytes will be written. The far side may go on writing. */
  end(): void;
  /**
   * Chunks as they come; ends when the far side ended, throws the error that it failed with. One reader at a time;
   * a reader that stops can be followed by another, which goes on where it stopped.
   */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Gives up both directions. With an error, the far side is told why. */
  abort(error?: HayloftError): void;
}

export interface TopicListener<Item> {
  onSnapshot(items: Item[]): void;
  onChanges(upserted: Item[], removed: string[]): void;
  /** The subscription is over; nothing follows. */
  onError(error: HayloftError): void;
}

/** The renderer's end. */
export interface ChannelClient {
  call<N extends CallName>(name: N, input: CallInput<N>, options?: { signal?: AbortSignal }): Promise<CallOutput<N>>;
  /** Follows a topic until the returned function is called. */
  subscribe<N extends TopicName>(name: N, params: TopicParams<N>, listener: TopicListener<TopicItem<N>>): () => void;
  open<N extends StreamName>(
    name: N,
    params: StreamParams<N>,
    options?: { signal?: AbortSignal },
  ): Promise<ByteStream & { opened: StreamOpened<N> }>;
}

/** A list that the backend keeps: a snapshot for whoever comes, then changes. Returned by topic handlers. */
export interface TopicSource<Item> {
  subscribe(listener: TopicListener<Item>): () => void;
}
