/** Rules in the manner of definitions that many clusters have (gateways, certificates, storage), in words of our own. */
import { expect, it } from 'vitest';
import type { Json } from '../../api/http/json.ts';
import type { JsonSchema, ValidationRule } from '../schema/json-schema.ts';
import { runRules } from './check.ts';
import { compileRules } from './compile.ts';

const text: JsonSchema = { type: 'string' };
const whole: JsonSchema = { type: 'integer' };
const listOf = (properties: Record<string, JsonSchema>): JsonSchema => ({ type: 'array', items: { type: 'object', properties } });
const texts: JsonSchema = { type: 'array', items: text };

function findings(schema: JsonSchema, rule: ValidationRule, value: Json, old?: Json): string[] {
  const { root, causes } = compileRules({ type: 'object', properties: { v: { ...schema, 'x-kubernetes-validations': [rule] } } }, 'schema');
  expect(causes).toEqual([]);
  return root ? runRules(root, { v: value }, old === undefined ? undefined : { v: old }).map(({ field, reason }) => `${field ?? ''} ${reason ?? ''}`) : [];
}

const listener = { name: text, protocol: text, port: whole, hostname: text, tls: { type: 'object', properties: { mode: text } } } satisfies Record<string, JsonSchema>;
const filters = listOf({ type: text, requestRedirect: { type: 'object', properties: { path: text } } });
const issuer: JsonSchema = { type: 'object', properties: { acme: { type: 'object', properties: {} }, ca: { type: 'object', properties: {} }, selfSigned: { type: 'object', properties: {} } } };
const volume: JsonSchema = { type: 'object', properties: { size: text, frontend: text, replicas: whole, selector: texts } };

it.each<[string, JsonSchema, string, Json, Json]>([
  ['a gateway: TLS belongs to some protocols', listOf(listener), "self.all(l, l.protocol in ['HTTP', 'TCP', 'UDP'] ? !has(l.tls) : true)", [{ protocol: 'HTTP' }], [{ protocol: 'TCP', tls: {} }]],
  ['a gateway: names are different', listOf(listener), 'self.all(a, self.exists_one(b, a.name == b.name))', [{ name: 'a' }, { name: 'b' }], [{ name: 'a' }, { name: 'a' }]],
  [
    ...['a gateway: port, protocol and host are different', listOf(listener)] as [string, JsonSchema],
    'self.all(a, self.exists_one(b, a.port == b.port && a.protocol == b.protocol && (has(a.hostname) && has(b.hostname) ? a.hostname == b.hostname : !has(a.hostname) && !has(b.hostname))))',
    ...[[{ port: 1, protocol: 'HTTP' }, { port: 1, protocol: 'HTTP', hostname: 'a' }], [{ port: 1, protocol: 'HTTP' }, { port: 1, protocol: 'HTTP' }]] as [Json, Json],
  ],
  ['a route: one filter of a kind', filters, "self.filter(f, f.type == 'RequestRedirect').size() <= 1", [{ type: 'RequestRedirect' }], [{ type: 'RequestRedirect' }, { type: 'RequestRedirect' }]],
  ['a route: one of two', filters, "!(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))", [{ type: 'URLRewrite' }], [{ type: 'URLRewrite' }, { type: 'RequestRedirect' }]],
  ['an issuer: exactly one kind', issuer, '[has(self.acme), has(self.ca), has(self.selfSigned)].filter(x, x).size() == 1', { ca: {} }, { ca: {}, acme: {} }],
  ['an address by its type', text, "self.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') || isIP(self)", '10.0.0.1', 'Not!'],
  ['a host with a star', text, "self == '*' || !self.contains('*') || (self.startsWith('*.') && self.split('*').size() == 2)", '*.example.org', 'a.*'],
  ['a volume: a size of whole MiB', volume, "isQuantity(self.size) && quantity(self.size).isInteger() && quantity(self.size).asInteger() % 1048576 == 0", { size: '2Gi' }, { size: '1000' }],
  ['a volume: replicas within bounds', volume, 'self.?replicas.orValue(3) in [1, 2, 3, 4]', {}, { replicas: 9 }],
  ['a volume: a tag once', volume, '!has(self.selector) || self.selector.all(a, self.selector.filter(b, a == b).size() == 1)', { selector: ['a', 'b'] }, { selector: ['a', 'a'] }],
  ['a pool in its network', text, "cidr('10.0.0.0/8').containsCIDR(self) && cidr(self).prefixLength() >= 16", '10.4.0.0/16', '11.0.0.0/16'],
  ['an address in its network', text, "cidr('fd00::/8').containsIP(self) || cidr('192.168.0.0/16').containsIP(ip(self))", 'fd00::7', '192.169.0.1'],
  ['an address for a server', text, 'ip(self).isGlobalUnicast() && !ip(self).isLoopback() && !ip(self).isLinkLocalUnicast()', '192.168.1.1', 'fe80::1'],
  ['an address that is written as the system does', text, 'ip.isCanonical(self)', 'fd00::1', 'fd00:0::1'],
  ['a network without a host', text, 'string(cidr(self).masked()) == self', '10.128.0.0/9', '10.129.0.0/9'],
  ['a network of the newer kind without a host', text, 'string(cidr(self).masked()) == self', 'fd00:1::/33', 'fd00:1::1/33'],
  ['labels of a node: not the cluster\'s own', { type: 'object', additionalProperties: text }, "self.all(k, k in ['kubernetes.io/os'] || !k.find('^([^/]+)').endsWith('kubernetes.io'))", { 'kubernetes.io/os': 'a', b: 'c' }, { 'kubernetes.io/x': 'a' }],
  ['requirements of a node: numbers', listOf({ operator: text, values: texts }), "self.all(x, x.operator == 'Gt' || x.operator == 'Lt' ? x.values.size() == 1 && int(x.values[0]) >= 0 : true)", [{ operator: 'Gt', values: ['1'] }], [{ operator: 'Lt', values: ['-1'] }]],
  ['a budget: a share or a number', { 'x-kubernetes-int-or-string': true }, "type(self) == string ? self.matches('^([0-9]{1,2}|100)%$') : self >= 0", '10%', '101%'],
  ['a control plane: an odd number', whole, 'self % 2 == 1', 3, 2],
  ['a time to wait', { type: 'string', format: 'duration' }, "self >= duration('1s') && self <= duration('24h')", '90s', '25h'],
  ['a certificate: it is renewed before it ends', { type: 'object', properties: { duration: text, renewBefore: text } }, 'duration(self.renewBefore) < duration(self.duration)', { duration: '2h', renewBefore: '1h' }, { duration: '1h', renewBefore: '1h' }],
  ['a policy: at most one of two', { type: 'object', properties: { a: text, b: text } }, '(has(self.a) ? 1 : 0) + (has(self.b) ? 1 : 0) <= 1', { a: '' }, { a: '', b: '' }],
  ['a policy: what it manages is described', { type: 'object', properties: { p: texts, forProvider: { type: 'object', properties: { region: text } } } }, "!('*' in self.p || 'Create' in self.p) || has(self.forProvider.region)", { p: ['Observe'], forProvider: {} }, { p: ['*'], forProvider: {} }],
  ['sources of a data volume: one of some', texts, "sets.contains(['http', 'pvc', 'blank'], self) && !sets.intersects(self, ['pvc', 'snapshot']) && sets.equivalent(self, ['blank', 'http'])", ['http', 'blank'], ['pvc']],
  ['a name by its format', text, '!format.dns1123Label().validate(self).hasValue()', 'a-b', 'A_b'],
  ['a label by its format', text, "format.named('qualifiedName').value().validate(self).orValue([]).size() == 0", 'a.b/C', '/x'],
  ['a name in POSIX classes', text, "self.matches('^[[:alnum:]_]+$')", 'Ab_1', 'a b'],
  ['a name of any case', text, "self.matches('^(?i)abc$')", 'aBc', 'abd'],
  ['a name of any letters', text, "self.matches(r'^\\pL+$')", 'Größe', 'a1'],
  ['a size with what it may grow by', text, "quantity(self).add(1).compareTo(quantity('1Gi').add(quantity('1'))) == 0", '1024Mi', '1G'],
  ['an address in one way of writing', text, 'string(ip(self)) == self', 'fd00::1', 'FD00:0::1'],
])('%s', (_, schema, rule, good, bad) => {
  expect(findings(schema, { rule }, good)).toEqual([]);
  expect(findings(schema, { rule }, bad)).toEqual(['v FieldValueInvalid']);
});

it('what may not be taken back, with its reason and place', () => {
  const rule: ValidationRule = { rule: '!has(oldSelf.frontend) || has(self.frontend) && self.frontend == oldSelf.frontend', reason: 'FieldValueForbidden', fieldPath: '.frontend' };
  expect(findings(volume, rule, { frontend: 'a' })).toEqual([]);
  expect(findings(volume, rule, { frontend: 'a', size: '1Gi' }, { frontend: 'a' })).toEqual([]);
  expect(findings(volume, rule, { frontend: 'b' }, { frontend: 'a' })).toEqual(['v.frontend FieldValueForbidden']);
  expect(findings(volume, rule, { size: '1Gi' }, { frontend: 'a' })).toEqual(['v.frontend FieldValueForbidden']);
});

it('a size only grows', () => {
  const rule: ValidationRule = { rule: '!oldSelf.hasValue() || quantity(self.size).compareTo(quantity(oldSelf.value().size)) >= 0', optionalOldSelf: true };
  expect(findings(volume, rule, { size: '1Gi' })).toEqual([]);
  expect(findings(volume, rule, { size: '2Gi' }, { size: '1Gi' })).toEqual([]);
  expect(findings(volume, rule, { size: '512Mi' }, { size: '1Gi' })).toEqual(['v FieldValueInvalid']);
});

it.each([
  ["self.matches('^[[:^alpha:]]$')", '[:^alpha:] is not supported'],
  ["self.find('(') == ''", 'Invalid regular expression'],
  ['isSemver(self)', "no matching overload for 'isSemver("],
  ["authorizer.group('').resource('pods').check('get').allowed()", 'Unknown variable: authorizer'],
  ["self.?a.optMap(x, x + 'b').hasValue()", 'Unknown variable: x'],
])('what cannot be run is refused with its place: %s', (rule, why) => {
  const { causes } = compileRules({ type: 'object', properties: { v: { ...text, 'x-kubernetes-validations': [{ rule }] } } }, 'schema');
  expect(causes.map(({ field }) => field)).toEqual(['schema.properties[v].x-kubernetes-validations[0].rule']);
  expect(causes[0]?.message).toContain(why);
});
