/** What a backend implements: one handler for everything in the contract. Types are derived from it. */
import type { z } from 'zod';
import type {
  CallName,
  CallOutput,
  contract,
  StreamName,
  StreamOpened,
  TopicItem,
  TopicName,
} from '../contract/contract.ts';
import type { ByteStream, TopicSource } from './types.ts';

type Contract = typeof contract;

/** What a handler is given: the input after its schema has checked it and filled in defaults. */
export type CallArguments<N extends CallName> = z.output<Contract['calls'][N]['input']>;
export type TopicArguments<N extends TopicName> = z.output<Contract['topics'][N]['params']>;
export type StreamArguments<N extends StreamName> = z.output<Contract['streams'][N]['params']>;

export interface HandlerContext {
  /** Aborts when the asking side gives up or is gone. Its `reason` is a `HayloftError`. */
  readonly signal: AbortSignal;
}

/** The backend's end of a stream. */
export interface ServerStream<Opened> extends ByteStream {
  /** Answers the opening. To be called once, before the first `write`; what fails before it fails the opening. */
  accept(opened: Opened): void;
}

export type CallHandlers = {
  [N in CallName]: (input: CallArguments<N>, context: HandlerContext) => Promise<CallOutput<N>>;
};

/** A handler returns the list at once; what it cannot deliver it says through `listener.onError`. */
export type TopicHandlers = {
  [N in TopicName]: (params: TopicArguments<N>) => TopicSource<TopicItem<N>>;
};

/**
 * A stream lasts as long as its handler: when the promise resolves, both directions are over and the far side's
 * `chunks` end after the bytes that were written; when it rejects, the far side gets the error.
 */
export type StreamHandlers = {
  [N in StreamName]: (
    params: StreamArguments<N>,
    stream: ServerStream<StreamOpened<N>>,
    context: HandlerContext,
  ) => Promise<void>;
};

export interface Handlers {
  calls: CallHandlers;
  topics: TopicHandlers;
  streams: StreamHandlers;
}
