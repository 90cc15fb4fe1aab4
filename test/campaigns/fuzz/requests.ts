/** Malformed requests, as the bytes that go over the wire: an HTTP client would refuse to send many of them. */
import type { Random } from '../random.ts';
import type { Exchange } from './exchange.ts';
import { mutate, nameOf, objectFrom, patchOf, type FuzzKind } from './schemas.ts';
import { openStream } from './streams.ts';

const kinds = [
  '/api/v1/namespaces/default/secrets',
  '/api/v1/namespaces/default/persistentvolumeclaims',
  '/apis/kubevirt.io/v1/namespaces/default/virtualmachines',
  '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances',
  '/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes',
  '/apis/snapshot.kubevirt.io/v1beta1/namespaces/default/virtualmachinesnapshots',
];
const actions = ['start', 'stop', 'restart', 'pause', 'unpause', 'vnc', 'console', 'guestosinfo', 'addvolume', 'removevolume', 'portforward/22', 'status'];
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'FUZZ'] as const;
const types = [
  'application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/json-patch+json',
  'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml', 'text/plain', ';;', '',
];
const names = ['a', 'b', 'missing', '..', '%00', '%', '%2e%2e%2f', 'A_B', '__proto__', 'constructor', 'é', 'x'.repeat(300)];
const queries = [
  'watch=true&timeoutSeconds=1', 'limit=-1', 'limit=1e99', 'continue=%ff', 'labelSelector=,,(', 'fieldSelector===', 'fieldManager=f&force=true',
  'resourceVersion=x', 'dryRun=Some', 'watch=1&resourceVersion=99999999999999999999', '%', '&&==', '__proto__=1', 'gracePeriodSeconds=-5',
];
const values: readonly unknown[] = [null, true, -1, 1e308, '', 'x', '\u0000', [], {}, [null], { a: { b: [] } }, '10Gi', '-1Gi', '__proto__'];
const upgrade = (key: string): string[] => ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`];

const bytes = (random: Random, most: number): Buffer => Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)));

function path(random: Random): string {
  const kind = random.chance(0.5) ? '/apis/kubevirt.io/v1/namespaces/default/virtualmachines' : random.pick(kinds);
  // Half of the names may exist: most requests must get past the path to reach what lies behind it.
  const name = random.chance(0.5) ? random.pick(['a', 'b']) : random.pick(names);
  const base = random.chance(0.3)
    ? `/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachine${random.pick(['s', 'instances'])}/${name}/${random.pick(actions)}`
    : random.pick([kind, kind, `${kind}/${name}`, `${kind}/${name}`, `${kind}/${name}/status`, `${kind}//${name}`, `/${name}`]);
  return random.chance(0.25) ? `${base}?${random.pick(queries)}` : base;
}

function object(random: Random): Record<string, unknown> {
  const value = (): unknown => random.pick(values);
  return {
    apiVersion: random.chance(0.7) ? 'kubevirt.io/v1' : value(),
    kind: random.chance(0.7) ? 'VirtualMachine' : value(),
    metadata: random.chance(0.8) ? { name: random.chance(0.7) ? random.pick(['a', 'b']) : value(), labels: value(), managedFields: value() } : value(),
    spec: random.chance(0.8)
      ? { runStrategy: 'Halted', template: random.chance(0.7) ? { metadata: value(), spec: { domain: { devices: value(), memory: value(), cpu: value() }, volumes: value() } } : value() }
      : value(),
    [random.pick(['status', 'data', 'x', '__proto__'])]: value(),
  };
}

function body(random: Random): Buffer {
  const step = { op: random.pick(['add', 'remove', 'replace', 'move', 'copy', 'test', 'x']), path: random.pick(['', '/', '/spec', '/metadata/name', '/a/-', '/__proto__/x', '~2', 7]), value: random.pick(values) };
  switch (random.below(8)) {
    case 0:
      return Buffer.from(JSON.stringify({ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: random.pick(['a', 'b']) }, spec: { runStrategy: 'Halted', template: { spec: { domain: { devices: {}, memory: { guest: '64Mi' } } } } } }));
    case 1:
      return Buffer.from(JSON.stringify(object(random)).slice(0, random.below(300)));
    case 2:
      return Buffer.from(JSON.stringify([step, random.pick(values)]));
    case 3:
      return Buffer.from(random.pick(['a: &a [*a]', 'a: *b', '{', '- - -', '!!js/function x', '\t', '['.repeat(5000), '{"a":'.repeat(5000)]));
    case 4:
      return Buffer.concat([Buffer.from('k8s\0'), bytes(random, 200)]);
    case 5:
      return bytes(random, 300);
    default:
      return Buffer.from(JSON.stringify(object(random)));
  }
}

/** One request with its body, or a WebSocket handshake and frames behind it, made of what no client would send. */
function malformedRequest(random: Random, token: string): Buffer {
  const handshake = random.chance(0.15);
  const payload = handshake ? bytes(random, 200) : body(random);
  const headers = [
    'Host: localhost',
    random.chance(0.95) ? `Authorization: Bearer ${token}` : `Authorization: ${random.pick(['', 'Bearer', 'Basic %', 'Bearer \u0080'])}`,
    `Accept: ${random.pick(['application/json', '*/*', ';', 'application/json;as=Table', 'application/vnd.kubernetes.protobuf'])}`,
  ];
  if (handshake) headers.push(...upgrade(random.chance(0.7) ? 'dGhlIHNhbXBsZSBub25jZQ==' : 'x'), `Sec-WebSocket-Protocol: ${random.pick(['plain.kubevirt.io', ',', 'x'])}`);
  else headers.push('Connection: close', `Content-Type: ${random.pick(random.chance(0.5) ? types.slice(3, 7).concat(types[0] ?? '') : types)}`, `Content-Length: ${random.chance(0.97) ? payload.length : 'x'}`);
  if (random.chance(0.05)) headers.push(random.pick(['Content-Encoding: gzip', ': x', 'no colon', `X: ${'y'.repeat(20_000)}`, 'Transfer-Encoding: x']));
  const method = handshake ? 'GET' : random.chance(0.7) ? random.pick(['POST', 'PUT', 'PATCH', 'PATCH']) : random.pick(methods);
  return Buffer.concat([Buffer.from(`${method} ${path(random)} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`), payload]);
}

const hostileHeaders: readonly string[] = [
  ...['Accept: application/json;as=Table;v=v1;g=meta.k8s.io', 'Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', 'Accept: application/yaml'],
  ...['Accept-Encoding: gzip', 'Expect: 100-continue', 'If-None-Match: *', 'Range: bytes=0-1', 'Impersonate-User: nobody', 'Impersonate-Group: x', 'Impersonate-Extra-%: x'],
  ...['X-HTTP-Method-Override: DELETE', 'Cookie: a=b', 'User-Agent: ', 'Origin: null', 'Content-Type: application/json; charset=utf-7', 'Upgrade: h2c'],
];
const goodQueries = ['', '?dryRun=All', '?fieldValidation=Strict', '?fieldValidation=Ignore', '?fieldManager=fuzz&force=true', '?fieldManager=fuzz'];

/** In chunks, mostly as they should be; the others lie about their length, or never end. */
function chunked(random: Random, payload: Buffer): { body: Buffer; cut?: true } {
  const size = 1 + random.below(200);
  const parts: Buffer[] = [];
  // Who waits for more than will come waits rightly, until the client goes.
  const lies = random.chance(0.1);
  for (let at = 0; at < payload.length && parts.length < 500; at += size) {
    const part = payload.subarray(at, at + size);
    const length = !lies || random.chance(0.8) ? part.length.toString(16) : random.pick(['x', '-1', 'fffffffff', '0', `${part.length.toString(16)};a=b`]);
    parts.push(Buffer.from(`${length}\r\n`), part, Buffer.from('\r\n'));
  }
  return !lies && random.chance(0.85) ? { body: Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]) } : { body: Buffer.concat(parts), cut: true as const };
}

/** A request as a client sends it, with an object or a patch of any kind that is nearly right. */
function nearlyRight(random: Random, token: string, kinds: readonly FuzzKind[]): Exchange {
  const kind = random.pick(random.chance(0.6) ? kinds.filter(({ valid }) => valid) : kinds);
  const name = nameOf(random, kind);
  // Instances would run; what is asked about them is checked all the same.
  const query = kind.kind === 'VirtualMachineInstance' ? '?dryRun=All' : random.pick(goodQueries);
  const object = random.chance(0.25) ? objectFrom(random, kind) : mutate(random, objectFrom(random, kind));
  const { type, patch } = patchOf(random, kind);
  const [method, path, contentType, value] = random.pick([
    ['POST', kind.path, 'application/json', object],
    ['POST', kind.path, 'application/json', object],
    ['PUT', `${kind.path}/${name}`, 'application/json', object],
    ['PATCH', `${kind.path}/${name}${random.chance(0.15) ? '/status' : ''}`, type, patch],
    ['PATCH', `${kind.path}/${name}`, type, patch],
    ['DELETE', `${kind.path}/${name}`, 'application/json', random.chance(0.5) ? undefined : { propagationPolicy: random.pick(['Background', 'Orphan', 'Foreground', 'x', 1]), preconditions: random.pick([null, {}, { uid: 1 }]) }],
    ['GET', random.chance(0.5) ? kind.path : `${kind.path}/${name}`, 'application/json', undefined],
  ] as const);
  const payload = Buffer.from(value === undefined ? '' : JSON.stringify(value));
  const inChunks = payload.length > 0 && random.chance(0.2) ? chunked(random, payload) : undefined;
  const cut = inChunks?.cut === true || random.chance(0.02);
  const headers = [
    ...['Host: localhost', `Authorization: Bearer ${token}`, 'Connection: close', `Content-Type: ${contentType}`],
    inChunks ? 'Transfer-Encoding: chunked' : `Content-Length: ${payload.length}`,
    ...(random.chance(0.3) ? [random.pick(hostileHeaders)] : []),
  ];
  const request = Buffer.concat([Buffer.from(`${method} ${path}${query} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`), inChunks?.body ?? payload]);
  return { request, ...(cut ? { cut: true as const } : {}) };
}

/** @param token a valid bearer token */
export function fuzzRequest(random: Random, token: string, kinds: readonly FuzzKind[]): Exchange {
  const which = random.next();
  if (which < 0.07) return openStream(random, token);
  return which < 0.55 ? nearlyRight(random, token, kinds) : { request: malformedRequest(random, token) };
}
