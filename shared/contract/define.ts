/** The three things that can be asked over the channel, and the types derived from their schemas. */
import type { z } from 'zod';

/** A question with one answer. */
export interface CallDefinition {
  input: z.ZodType;
  output: z.ZodType;
}

/** A list that arrives as a snapshot and then as changes. `key` tells which item a change is about. */
export interface TopicDefinition {
  params: z.ZodType;
  item: z.ZodType;
  // Items are checked by their schema before `key` sees them; `never` lets each topic name its own item type.
  key: (item: never) => string;
}

/** Bytes both ways, with backpressure, opened with parameters and answered with `opened`. */
export interface StreamDefinition {
  params: z.ZodType;
  opened: z.ZodType;
}

export interface ContractDefinition {
  calls: Record<string, CallDefinition>;
  topics: Record<string, TopicDefinition>;
  streams: Record<string, StreamDefinition>;
}

/** Checks a topic's parts against each other: `key` must take what `item` describes. */
export function topic<P extends z.ZodType, I extends z.ZodType>(definition: {
  params: P;
  item: I;
  key: (item: z.output<I>) => string;
}): { params: P; item: I; key: (item: z.output<I>) => string } {
  return definition;
}
