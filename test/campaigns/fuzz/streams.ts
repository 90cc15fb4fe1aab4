/** WebSockets that do get open, and what breaks them then. Frames: RFC 6455. */
import type { Random } from '../random.ts';
import type { Exchange } from './exchange.ts';

/** A machine that runs, out of the way of the other requests. */
export const guest = { namespace: 'streams', name: 'guest' };
const streams = ['vnc', 'console', 'portforward/22', 'portforward/1/udp'];

const random8 = (random: Random, length: number): Buffer => Buffer.from(Array.from({ length }, () => random.below(256)));

/** @param announced the length that the frame claims to have */
function frame(opcode: number, payload: Buffer, options: { masked?: boolean; fin?: boolean; announced?: number } = {}): Buffer {
  const { masked = true, fin = true, announced = payload.length } = options;
  const bit = masked ? 0x80 : 0;
  const first = (fin ? 0x80 : 0) | opcode;
  const head = announced < 126 ? Buffer.from([first, bit | announced]) : Buffer.alloc(10);
  if (announced >= 126) {
    head.set([first, bit | 127]);
    head.writeBigUInt64BE(BigInt(announced), 2);
  }
  // A mask of zeros leaves the payload as it is.
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}

const broken: readonly ((random: Random) => Buffer)[] = [
  (random) => frame(2, random8(random, 50)),
  (random) => frame(2, random8(random, 20), { masked: false }),
  (random) => frame(random.below(16), random8(random, 20)),
  () => frame(2, Buffer.from('short'), { announced: 100_000 }),
  () => frame(2, Buffer.alloc(0), { announced: 2 ** 40 }),
  (random) => frame(9, random8(random, 200)),
  () => frame(8, Buffer.from([3])),
  () => frame(8, Buffer.from([0xff, 0xff, 1])),
  () => frame(0, Buffer.from('goes on from nothing')),
  () => frame(1, Buffer.from([0xc3, 0x28])),
  (random) => Buffer.concat(Array.from({ length: 20 }, () => frame(2, random8(random, 3), { fin: false }))),
  (random) => frame(2, random8(random, 60_000)),
  (random) => random8(random, 100),
];

export function openStream(random: Random, token: string): Exchange {
  const path = `/apis/subresources.kubevirt.io/v1/namespaces/${guest.namespace}/virtualmachineinstances/${guest.name}/${random.pick(streams)}`;
  const headers = [
    ...['Host: localhost', `Authorization: Bearer ${token}`, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
    ...['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol: plain.kubevirt.io'],
  ];
  const frames = Array.from({ length: 1 + random.below(4) }, () => random.pick(broken)(random));
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
  // Some come with the handshake, before anybody has agreed to anything.
  return random.chance(0.2) ? { request: Buffer.concat([request, ...frames]), onceOpen: [] } : { request, onceOpen: frames };
}
