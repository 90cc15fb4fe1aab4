/** The engine on a network: two computers, a cable, and the real kubectl on the other end. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository, startEngine, type RigEngine } from '../rig/engine.ts';
import { makeTwoHosts, type TwoHosts } from '../rig/two-hosts.ts';
import { until } from '../rig/until.ts';

const main = join(repository, 'dist', 'engine', 'main.js');

describe.skipIf(process.getuid?.() !== 0)('an engine that listens on the LAN', () => {
  let hosts: TwoHosts;
  let engine: RigEngine;
  let dataDir: string;
  const start = (...flags: string[]): Promise<RigEngine> => startEngine({ dataDir, within: hosts.server.within, flags });
  /** One of the engine's commands, on its own computer. */
  const command = (...words: string[]): string => hosts.server.run(process.execPath, main, ...words, '--data-dir', dataDir);
  const kubeconfig = (name: string, text: string): string => {
    const path = join(dataDir, `${name}.kubeconfig`);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  /** kubectl on the other computer. */
  const kubectl = (file: string, ...args: string[]): { code: number | null; stdout: string; stderr: string } => {
    const { status, stdout, stderr } = spawnSync('ip', [...hosts.client.within.slice(1), 'kubectl', '--kubeconfig', file, '--request-timeout=5s', ...args], {
      encoding: 'utf8',
      env: { ...process.env, KUBECACHEDIR: join(dataDir, 'kubectl-cache') },
    });
    return { code: status, stdout, stderr };
  };

  beforeAll(async () => {
    hosts = makeTwoHosts();
    dataDir = mkdtempSync(join(tmpdir(), 'hayloft-lan-'));
    engine = await start('--listen', 'lan');
  });
  afterAll(async () => {
    await engine.program.stop();
    hosts.destroy();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('is reached from another computer, by its addresses and with its certificate checked', () => {
    const file = kubeconfig('admin', command('token', 'create', 'laptop', '--role', 'admin'));
    const port = new URL(engine.endpoint).port;
    expect(readFileSync(file, 'utf8')).toContain(`server: "https://${hosts.server.ip4}:${port}"`);
    expect(kubectl(file, 'get', 'nodes', '-o', 'name').stdout).toMatch(/^node\//);
    expect(kubectl(file, `--server=https://[${hosts.server.ip6}]:${port}`, 'get', 'nodes', '-o', 'name').stdout).toMatch(/^node\//);
    expect(hosts.server.run('kubectl', '--kubeconfig', engine.kubeconfig, 'get', 'ns', '-o', 'name')).toContain('namespace/default');
    expect(kubectl(file, 'get', 'cdiconfig', 'config', '-o', 'jsonpath={.status.uploadProxyURL}').stdout).toBe(`https://${hosts.server.ip4}:${port}`);
  });

  it('is so again after a restart, and not after it was told otherwise', async () => {
    await engine.program.stop('SIGKILL');
    const before = engine.endpoint;
    engine = await start();
    expect(engine.endpoint).toBe(before);
    const file = join(dataDir, 'admin.kubeconfig');
    expect(kubectl(file, 'get', 'nodes').code).toBe(0);
    await engine.program.stop();
    engine = await start('--listen', 'loopback');
    expect(kubectl(file, 'get', 'nodes').stderr).toMatch(/refused/);
    await engine.program.stop();
    engine = await start('--listen', `${hosts.server.ip4},${hosts.server.ip6}`);
    expect(kubectl(file, 'get', 'nodes').code).toBe(0);
    expect(hosts.server.run('kubectl', '--kubeconfig', engine.kubeconfig, 'get', 'ns', '-o', 'name')).toContain('namespace/default');
    await engine.program.stop();
    engine = await start('--listen', 'lan');
  });

  it('takes an address that comes later, without a restart', async () => {
    hosts.server.run('ip', 'address', 'add', '10.99.8.1/24', 'dev', 'eth0');
    hosts.client.run('ip', 'address', 'add', '10.99.8.2/24', 'dev', 'eth0');
    const { port } = new URL(engine.endpoint);
    const file = join(dataDir, 'admin.kubeconfig');
    await until('the certificate to have the new address', () => kubectl(file, `--server=https://10.99.8.1:${port}`, 'get', 'nodes').code === 0);
    expect(kubectl(file, 'get', 'nodes').code).toBe(0);
  });

  it('changes its authority under clients that have learned of it in time', async () => {
    const old = join(dataDir, 'admin.kubeconfig');
    expect(command('rotate', 'ca', '--overlap', '1d')).toContain('trust both');
    expect(kubectl(old, 'get', 'nodes').code).toBe(0);
    const both = kubeconfig('both', command('rotate', 'token', 'laptop'));
    expect(kubectl(both, 'get', 'nodes').code).toBe(0);
    // A day later.
    await engine.program.stop();
    const next = join(dataDir, 'tls', 'next-ca.json');
    writeFileSync(next, JSON.stringify({ from: new Date(Date.now() + 3000).toISOString() }));
    engine = await start();
    const alone = kubeconfig('alone', readFileSync(both, 'utf8').replace(/certificate-authority-data: .*/, `certificate-authority-data: ${caOf(old)}`));
    await until('the server to change over', () => kubectl(alone, 'get', 'nodes').stderr.includes('x509'));
    expect(kubectl(both, 'get', 'nodes').code).toBe(0);
    expect(engine.kubectl(['config', 'view', '--raw', '-o', 'jsonpath={.clusters[0].cluster.certificate-authority-data}'])).not.toBe(caOf(both));
  });

  it('changes its authority at once when told so', () => {
    const file = join(dataDir, 'both.kubeconfig');
    expect(command('rotate', 'ca', '--overlap', 'none')).toContain('Every client needs a new kubeconfig now');
    expect(kubectl(file, 'get', 'nodes').stderr).toContain('x509');
    const renewed = kubeconfig('renewed', command('rotate', 'token', 'laptop'));
    expect(kubectl(renewed, 'get', 'nodes').code).toBe(0);
  });

  it('changes the owner’s token, and the one before ends', async () => {
    const before = readFileSync(join(dataDir, 'kubeconfig'), 'utf8');
    command('rotate', 'owner');
    expect(hosts.server.run('kubectl', '--kubeconfig', join(dataDir, 'kubeconfig'), 'get', 'ns', '-o', 'name')).toContain('default');
    const file = kubeconfig('before', before);
    await until('the old token to end', () => {
      const { stderr } = spawnSync('ip', [...hosts.server.within.slice(1), 'kubectl', '--kubeconfig', file, 'get', 'ns'], { encoding: 'utf8' });
      return stderr.includes('Unauthorized');
    });
  });

  it('turns away who comes with wrong tokens, and nobody else', () => {
    const file = join(dataDir, 'renewed.kubeconfig');
    const wrong = kubeconfig('wrong', readFileSync(file, 'utf8').replace(/token: .*/, 'token: "guessed"'));
    const path = '/api/v1/namespaces';
    const guess = (): number => {
      const url = `https://${hosts.server.ip4}:${new URL(engine.endpoint).port}${path}`;
      return Number(hosts.client.run('curl', '-sk', '-o', '/dev/null', '-w', '%{http_code}', '-H', 'Authorization: Bearer guessed', url));
    };
    const codes = Array.from({ length: 12 }, guess);
    expect([codes.slice(0, 9), codes.slice(9)]).toEqual([Array(9).fill(401), [429, 429, 429]]);
    expect(
      hosts.client.run('curl', '-sk', '-o', '/dev/null', '-w', '%{http_code}', '-X', 'POST', '-H', 'Authorization: Bearer guessed', `https://${hosts.server.ip4}:${new URL(engine.endpoint).port}/hayloft/rest`),
    ).toBe('429');
    // The other network is another source, and so is the computer itself.
    expect(kubectl(file, `--server=https://[${hosts.server.ip6}]:${new URL(engine.endpoint).port}`, 'get', 'nodes').code).toBe(0);
    expect(hosts.server.run('kubectl', '--kubeconfig', engine.kubeconfig, 'get', 'events', '-o', 'jsonpath={.items[*].message}')).toContain(
      `Too many failed logins came from ${hosts.client.ip4}`,
    );
    expect(readFileSync(join(dataDir, 'engine.log'), 'utf8')).toContain(`"source":"${hosts.client.ip4}"`);
    expect(kubectl(wrong, `--server=https://[${hosts.server.ip6}]:${new URL(engine.endpoint).port}`, 'get', 'nodes').stderr).toContain('Unauthorized');
  });
});

const caOf = (file: string): string => /certificate-authority-data: (\S+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
