/** DNS messages, as far as multicast DNS needs them. Source: RFC 1035, RFC 6762, RFC 2782. */

export const types = { A: 1, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, ANY: 255 } as const;

export interface Question {
  /** Labels with dots between them; a dot inside a label has a backslash before it. */
  name: string;
  type: number;
  /** The asker would have its answer by unicast. */
  unicast?: boolean;
}

export interface DnsRecord {
  name: string;
  type: number;
  /** Seconds. */
  ttl: number;
  data: Buffer;
  /** Nobody else has records of this name and type: caches forget what they had. */
  unique?: boolean;
}

export interface DnsMessage {
  id: number;
  response: boolean;
  questions: Question[];
  answers: DnsRecord[];
  authorities: DnsRecord[];
  additionals: DnsRecord[];
}

const internet = 1;
/** In a class: `unique` of records, `unicast` of questions. */
const topBit = 0x8000;
const authoritative = 0x8400;

/** Words of a name, without the backslashes. */
const labelsOf = (name: string): string[] => (name.match(/(?:\\.|[^.\\])+/g) ?? []).map((label) => label.replaceAll(/\\(.)/g, '$1'));
/** Writes a label so that it can stand in a name. */
export const asLabel = (text: string): string => text.replaceAll(/[.\\]/g, '\\$&');

/** A name's bytes; every name is written out, which costs some bytes and no code. */
export function nameBytes(name: string): Buffer {
  const parts = labelsOf(name).map((label) => {
    const bytes = Buffer.from(label).subarray(0, 63);
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  });
  return Buffer.concat([...parts, Buffer.from([0])]);
}

const numbers = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16BE(value, index * 2));
  return bytes;
};

const recordBytes = ({ name, type, ttl, data, unique }: DnsRecord): Buffer =>
  Buffer.concat([nameBytes(name), numbers(type, unique === true ? internet | topBit : internet, ttl >>> 16, ttl & 0xffff, data.length), data]);

export function encodeMessage(message: Partial<DnsMessage>): Buffer {
  const { id = 0, response = false, questions = [], answers = [], authorities = [], additionals = [] } = message;
  return Buffer.concat([
    numbers(id, response ? authoritative : 0, questions.length, answers.length, authorities.length, additionals.length),
    ...questions.map(({ name, type, unicast }) => Buffer.concat([nameBytes(name), numbers(type, unicast === true ? internet | topBit : internet)])),
    ...[...answers, ...authorities, ...additionals].map(recordBytes),
  ]);
}

/** @returns undefined when the bytes are no message: anybody may send anything */
export function decodeMessage(bytes: Buffer): DnsMessage | undefined {
  try {
    let at = 12;
    const name = (): string => {
      const read = readName(bytes, at);
      at = read.end;
      return read.name;
    };
    const u16 = (): number => bytes.readUInt16BE((at += 2) - 2);
    const question = (): Question => {
      const [of, type, kind] = [name(), u16(), u16()];
      return { name: of, type, unicast: (kind & topBit) !== 0 };
    };
    const record = (): DnsRecord => {
      const [of, type, kind, high, low, length] = [name(), u16(), u16(), u16(), u16(), u16()];
      if (at + length > bytes.length) throw new RangeError('cut short');
      const start = at;
      at += length;
      return { name: of, type, ttl: high * 65_536 + low, unique: (kind & topBit) !== 0, data: rdata(bytes, type, start, length) };
    };
    const list = <T>(offset: number, read: () => T): T[] => Array.from({ length: bytes.readUInt16BE(offset) }, read);
    const [id, response] = [bytes.readUInt16BE(0), (bytes.readUInt16BE(2) & topBit) !== 0];
    const questions = list(4, question);
    const answers = list(6, record);
    const authorities = list(8, record);
    return { id, response, questions, answers, authorities, additionals: list(10, record) };
  } catch {
    return undefined;
  }
}

/** Names inside data may be compressed, too: they are written out, so that data can be compared. */
function rdata(bytes: Buffer, type: number, start: number, length: number): Buffer {
  if (type === types.PTR) return nameBytes(readName(bytes, start).name);
  if (type === types.SRV) return Buffer.concat([bytes.subarray(start, start + 6), nameBytes(readName(bytes, start + 6).name)]);
  return bytes.subarray(start, start + length);
}

function readName(bytes: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  let end: number | undefined;
  // A name has 127 labels at most; a pointer that leads in a circle would have more.
  for (let steps = 0; steps < 128; steps += 1) {
    const length = bytes.readUInt8(at);
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 };
    if ((length & 0xc0) === 0xc0) {
      end ??= at + 2;
      at = bytes.readUInt16BE(at) & 0x3fff;
      continue;
    }
    if (length > 63 || at + 1 + length > bytes.length) break;
    labels.push(asLabel(bytes.toString('utf8', at + 1, at + 1 + length)));
    at += 1 + length;
  }
  throw new RangeError('not a name');
}
