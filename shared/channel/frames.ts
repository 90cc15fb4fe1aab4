/** What travels over a carrier: small control messages, and bytes that belong to a stream. */
import { z } from 'zod';
import { errorData } from '../contract/errors.ts';

const id = z.number().int().nonnegative();

/** From the side that asks (the renderer). */
export const request = z.discriminatedUnion('t', [
  z.object({ t: z.literal('call'), id, name: z.string(), input: z.unknown() }),
  z.object({ t: z.literal('subscribe'), id, name: z.string(), params: z.unknown() }),
  z.object({ t: z.literal('open'), id, name: z.string(), params: z.unknown() }),
  /** Gives up on a call, a subscription or a stream; a stream may say why. */
  z.object({ t: z.literal('cancel'), id, error: errorData.optional() }),
  /** The subscriber has dealt with the last `snapshot` or `changes`: the next may come. */
  z.object({ t: z.literal('ack'), id }),
  /** The asking side has no more bytes for this stream. */
  z.object({ t: z.literal('end'), id }),
  /** The receiver has consumed this many bytes of the stream: that many more may be sent. */
  z.object({ t: z.literal('credit'), id, bytes: z.number().int().positive() }),
]);
export type Request = z.infer<typeof request>;

/** From the side that answers (the backend). */
export const response = z.discriminatedUnion('t', [
  z.object({ t: z.literal('result'), id, output: z.unknown() }),
  z.object({ t: z.literal('failed'), id, error: errorData }),
  z.object({ t: z.literal('snapshot'), id, items: z.array(z.unknown()) }),
  z.object({ t: z.literal('changes'), id, upserted: z.array(z.unknown()), removed: z.array(z.string()) }),
  z.object({ t: z.literal('opened'), id, output: z.unknown() }),
  /** The answering side has no more bytes for this stream. */
  z.object({ t: z.literal('end'), id }),
  /** The stream's handler is done: both directions are over. */
  z.object({ t: z.literal('closed'), id }),
  z.object({ t: z.literal('credit'), id, bytes: z.number().int().positive() }),
]);
export type Response = z.infer<typeof response>;

/** Bytes of one stream. */
export interface Data {
  id: number;
  bytes: Uint8Array;
}

/** Bytes that a sender may have on the way, unacknowledged, at the start of each stream and direction. */
export const INITIAL_CREDIT = 4 * 1024 * 1024;

/** The most bytes in one message; a carrier may refuse more. Longer writes are cut by the stream. */
export const MAX_DATA_BYTES = 1024 * 1024;

/**
 * One connection between renderer and backend; a MessagePort or a WebSocket. Delivers in order.
 * Whoever makes a carrier sets its three `on` functions before giving control back to the event loop.
 * Closing is final: `onClose` is called once, whichever side closed; who wants to go on makes a new carrier.
 */
export interface Carrier {
  sendControl(message: Request | Response): void;
  sendData(data: Data): void;
  onControl: (message: unknown) => void;
  onData: (data: Data) => void;
  onClose: () => void;
  close(): void;
}
