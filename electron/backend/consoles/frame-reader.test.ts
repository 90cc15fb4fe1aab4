import { describe, expect, it } from 'vitest';
import * as ws from 'ws';
import { FrameReader, opcode } from './frame-reader.ts';

/** Another program's way to make frames, which its types do not tell of. */
const { Sender } = ws as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } };

function frame(code: number, payload: Buffer, fin = true): Buffer {
  return Buffer.concat(Sender.frame(payload, { fin, opcode: code, mask: false, rsv1: false, readOnly: true }));
}

function read(chunks: Buffer[]): { data: Buffer; control: [number, string][]; wrong: string | undefined } {
  const data: Buffer[] = [];
  const control: [number, string][] = [];
  const reader = new FrameReader({ data: (bytes) => data.push(bytes), control: (code, payload) => control.push([code, payload.toString()]) });
  const wrong = chunks.map((chunk) => reader.push(chunk)).find((answer) => answer !== undefined);
  return { data: Buffer.concat(data), control, wrong };
}

const payloads = [1, 125, 126, 65_535, 65_536, 300_000].map((length) => Buffer.alloc(length, length % 251));
const stream = Buffer.concat([
  ...payloads.map((payload) => frame(opcode.binary, payload)),
  frame(opcode.binary, Buffer.from('in two '), false),
  frame(opcode.ping, Buffer.from('there?')),
  frame(0, Buffer.from('parts')),
  frame(opcode.ping, Buffer.alloc(0)),
  frame(opcode.close, Buffer.from('\u0003\u0000bye')),
]);

describe('frames', () => {
  it.each([1, 2, 7, 4096, 65_536, stream.length])('give the same bytes when they come %i at a time', (size) => {
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
    const { data, control, wrong } = read(chunks);
    expect(wrong).toBeUndefined();
    expect(data.equals(Buffer.concat([...payloads, Buffer.from('in two parts')]))).toBe(true);
    expect(control).toEqual([[opcode.ping, 'there?'], [opcode.ping, ''], [opcode.close, '\u0003\u0000bye']]);
  });

  it.each([
    ['an extension', Buffer.from([0xc2, 1, 0])],
    ['a mask', Buffer.from([0x82, 0x81, 0, 0, 0, 0, 0])],
    ['a long control frame', Buffer.from([0x89, 126, 1, 0])],
  ])('are refused with %s', (_, bytes) => {
    expect(read([bytes]).wrong).toBeDefined();
  });
});
