import { describe, expect, it } from 'vitest';
import { parseBody } from './body.ts';
import { inspectKeys } from './json-keys.ts';
import { protobufType } from './protobuf-kinds.ts';

describe('inspectKeys', () => {
  it.each<[string, string[]]>([
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', []],
    ['{"a":{"b":1,"b":2}}', ['a.b']],
    ['{"list":[1,[2],{"x":1},{"y":1,"y":2}]}', ['list[3].y']],
    [String.raw`{"a\"b":1,"a":"b\\","a\"b":2}`, ['a"b']],
    [String.raw`{"a":"\",\"a\":","b":"{[,:","b" : 1}`, ['b']],
    [String.raw`{"k":1,"\u006b":2}`, ['k']],
  ])('finds keys that come twice in %s', (text, duplicates) => {
    JSON.parse(text);
    expect(inspectKeys(text).duplicates).toEqual(duplicates);
  });

  it('finds keys that would reach the prototype, however they are written', () => {
    expect(inspectKeys('{"a":{"__proto__":1}}').reachesPrototype).toBe(true);
    expect(inspectKeys(String.raw`{"\u005f_proto__":1}`).reachesPrototype).toBe(true);
    expect(inspectKeys('{"a":"__proto__"}').reachesPrototype).toBe(false);
  });
});

describe('YAML bodies', () => {
  const read = (text: string): ReturnType<typeof parseBody> => parseBody(Buffer.from(text), 'application/yaml');

  it('are read with anchors, and duplicate keys are found', async () => {
    expect((await read('a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}')).value).toEqual({ a: { b: 1 }, c: { b: 1 }, d: { b: 1, e: 2 } });
    expect(await read('a: 1\na: 2')).toEqual({ value: { a: 2 }, duplicates: ['line 2'] });
    expect((await read('')).value).toBeUndefined();
  });

  it('are refused when they are malformed, grow without end, or reach the prototype', async () => {
    const bomb = Array.from({ length: 9 }, (_, n) => `x${n}: &x${n} [${n === 0 ? '"lol"' : Array(10).fill(`*x${n - 1}`).join(',')}]`);
    for (const text of ['a: [', bomb.join('\n'), '__proto__: {a: 1}', '\ufffe\uffff: [}']) {
      await expect(read(text), text.slice(0, 20)).rejects.toMatchObject({ code: 400 });
    }
  });
});

describe('protocol buffers', () => {
  const field = (number: number, ...content: (string | Buffer)[]): Buffer => {
    const bytes = Buffer.concat(content.map((part) => Buffer.from(part as string)));
    return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  };
  const envelope = (apiVersion: string, kind: string, message: Buffer): Buffer =>
    Buffer.concat([Buffer.from('k8s\0'), field(1, field(1, apiVersion), field(2, kind)), field(2, message), field(3), field(4)]);
  const read = (bytes: Buffer): ReturnType<typeof parseBody> => parseBody(bytes, protobufType);

  it('are read as the JSON that Go would write', async () => {
    const time = field(8, Buffer.from([8, 0x80, 0xa3, 0xb4, 0xc9, 6]));
    const metadata = field(1, field(1, 'a'), field(2), field(3, 'default'), field(5), time, field(11, field(1, 'k'), field(2)), field(14, 'f.io/x'));
    const message = Buffer.concat([metadata, field(2, field(1, 'empty'), field(2)), field(2, field(1, 'x'), field(2, '1')), Buffer.from([0x20, 1])]);
    expect((await read(envelope('v1', 'ConfigMap', message))).value).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'default', creationTimestamp: '2025-12-01T03:54:40Z', labels: { k: '' }, finalizers: ['f.io/x'] },
      data: { empty: '', x: '1' },
      immutable: true,
    });
  });

  it('keep bytes as base64, and zero where it says something', async () => {
    const secret = Buffer.concat([field(2, field(1, 'k'), field(2, Buffer.from([0, 255]))), field(3, 'Opaque')]);
    expect((await read(envelope('v1', 'Secret', secret))).value).toMatchObject({ data: { k: 'AP8=' }, type: 'Opaque' });
    expect((await read(envelope('v1', 'DeleteOptions', Buffer.from([8, 0])))).value).toMatchObject({ gracePeriodSeconds: 0 });
  });

  it('are refused when they are cut short, unknown, or no envelope', async () => {
    const whole = envelope('v1', 'ConfigMap', field(1, field(1, 'a')));
    await expect(read(whole.subarray(0, 12))).rejects.toMatchObject({ code: 400 });
    await expect(read(Buffer.from('{"a":1}'))).rejects.toMatchObject({ code: 400 });
    await expect(read(envelope('v1', 'Node', field(1)))).rejects.toMatchObject({ code: 415 });
    await expect(read(envelope('v1', 'ConfigMap', field(9, 'new')))).rejects.toMatchObject({ code: 400 });
    await expect(read(envelope('v1', 'ConfigMap', field(2, field(1, '__proto__'))))).rejects.toMatchObject({ code: 400 });
  });
});
