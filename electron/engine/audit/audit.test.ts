import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { rigApi, type ApiRig } from '../api/api-rig.ts';
import { configMaps } from '../core/config-map.ts';
import { until } from '../../../test/rig/until.ts';
import { openAudit } from './audit.ts';

interface Line {
  verb: string;
  requestURI: string;
  user: { username?: string };
  objectRef?: Record<string, string>;
  responseStatus: { code: number };
}

async function rig(bound?: number): Promise<{ api: ApiRig; file: string; lines: () => Line[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-audit-'));
  const file = join(folder, 'audit.log');
  const audit = openAudit(file, bound);
  onTestFinished(() => {
    audit.close();
    rmSync(folder, { recursive: true });
  });
  const api = await rigApi({ definitions: [configMaps] }, audit);
  return { api, file, lines: () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Line) : []) };
}

const configMapsPath = '/api/v1/namespaces/default/configmaps';
const secretive = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { pin: 'not-for-the-log' } };

it('tells who changed what, and nothing of what was read or sent', async () => {
  const { api, file, lines } = await rig();
  await api.call('GET', configMapsPath);
  await api.call('POST', `${configMapsPath}?access_token=not-for-the-log`, secretive);
  await api.call('DELETE', `${configMapsPath}/missing`);
  await until('two lines', () => lines().length === 2);
  expect(lines()).toMatchObject([
    {
      ...{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', stage: 'ResponseComplete', verb: 'create' },
      ...{ requestURI: `${configMapsPath}?access_token=…`, user: { username: 'hayloft', groups: ['system:masters', 'system:authenticated'] } },
      ...{ objectRef: { resource: 'configmaps', namespace: 'default', apiVersion: 'v1' }, responseStatus: { code: 201 }, sourceIPs: ['127.0.0.1'] },
    },
    { verb: 'delete', objectRef: { name: 'missing' }, responseStatus: { code: 404 } },
  ]);
  expect(readFileSync(file, 'utf8')).not.toContain('not-for-the-log');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('tells of a login that was refused, whatever was asked', async () => {
  const { api, file, lines } = await rig();
  await api.call('GET', configMapsPath, undefined, { authorization: 'Bearer wrong-but-secret' });
  await until('a line', () => lines().length === 1);
  expect(lines()).toMatchObject([{ verb: 'list', user: {}, responseStatus: { code: 401 } }]);
  expect(readFileSync(file, 'utf8')).not.toContain('wrong-but-secret');
});

it('keeps to its bound', async () => {
  const { api, file } = await rig(2000);
  for (let at = 0; at < 12; at++) await api.call('POST', configMapsPath, { ...secretive, metadata: { name: `n${at}` } });
  await until('the older half', () => existsSync(`${file}.1`));
  expect(statSync(file).size).toBeLessThanOrEqual(2000);
  expect(statSync(`${file}.1`).size).toBeLessThanOrEqual(2000);
});
