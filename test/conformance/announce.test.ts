/** The engine's announcement, as the real avahi on another computer hears it. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAvahi, type Avahi } from '../rig/avahi.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { makeTwoHosts, type TwoHosts } from '../rig/two-hosts.ts';
import { until } from '../rig/until.ts';

const type = '_hayloft._tcp';
const short = hostname().split('.')[0] ?? '';

describe.skipIf(process.getuid?.() !== 0)('an engine on the LAN', () => {
  let hosts: TwoHosts;
  let avahi: Avahi;
  const folders: string[] = [];
  const engines = new Set<RigEngine>();
  const start = async (...flags: string[]): Promise<RigEngine> => {
    const dataDir = mkdtempSync(join(tmpdir(), 'hayloft-announce-'));
    folders.push(dataDir);
    const engine = await startEngine({ dataDir, within: hosts.server.within, flags });
    engines.add(engine);
    return engine;
  };
  const stop = async (engine: RigEngine): Promise<void> => {
    engines.delete(engine);
    await engine.program.stop();
  };
  const found = (name: string): string | undefined => avahi.browse(type).find((line) => line.split(';')[3] === name);

  beforeAll(async () => {
    hosts = makeTwoHosts();
    avahi = await startAvahi(hosts.client);
  });
  afterAll(async () => {
    for (const engine of engines) await stop(engine);
    await avahi.stop();
    hosts.destroy();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it('is found with all that a client needs, and no secret; another of its name gets a number; both say goodbye', async () => {
    const first = await start('--listen', 'lan');
    const line = await until('the engine to be found', () => found(short));
    const [, , , , , , host = '', address, port, ...text] = line.split(';');
    expect([host, address, port]).toEqual([`${short.toLowerCase()}-hayloft.local`, hosts.server.ip4, new URL(first.endpoint).port]);
    const authority = new X509Certificate(readFileSync(join(first.dataDir, 'tls', 'ca.crt'))).fingerprint256.replaceAll(':', '').toLowerCase();
    expect(text.join(';')).toContain(`"ca=sha256:${authority}"`);
    for (const key of ['version=', 'node=', 'path=/']) expect(text.join(';')).toContain(`"${key}`);
    expect(line).not.toContain(first.token);
    expect(avahi.resolve(host)).toBe(hosts.server.ip4);
    const shown = (): X509Certificate => new X509Certificate(readFileSync(join(first.dataDir, 'tls', 'server.crt')));
    await until('the certificate to have that name', () => shown().checkHost(host));

    const second = await start('--listen', 'lan');
    const other = await until('the second engine to be found', () => found(`${short}\\032\\0402\\041`));
    expect(other.split(';')[8]).toBe(new URL(second.endpoint).port);
    expect(found(short)?.split(';')[8]).toBe(port);

    await stop(first);
    await until('the first one’s goodbye to be heard', () => found(short) === undefined, 10_000);
    expect(found(`${short}\\032\\0402\\041`)).toBeDefined();
    await stop(second);
    await until('the second one’s goodbye to be heard', () => avahi.browse(type).length === 0, 10_000);
  });

  it('is not announced when it listens for this computer alone, or was told not to', async () => {
    const [alone, silent, loud] = [await start(), await start('--listen', 'lan', '--announce', 'no'), await start('--listen', hosts.server.ip4)];
    await until('the one that may be announced to be found', () => found(short));
    expect(avahi.browse(type).map((line) => line.split(';')[8])).toEqual([new URL(loud.endpoint).port]);
    for (const engine of [alone, silent, loud]) await stop(engine);
  });
});
