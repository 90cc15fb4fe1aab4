/** The packed engine on a computer that has nothing but a C library and a shell. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../rig/engine.ts';
import { startProgram } from '../rig/process.ts';

/** Node is fetched from the registry the first time. */
const fetchingMs = 600_000;
const machine = process.arch === 'arm64' ? 'arm64' : 'x64';

describe.skipIf(process.getuid?.() !== 0)('the packed engine', () => {
  const root = mkdtempSync(join(tmpdir(), 'hayloft-bare-'));
  let packed = '';

  beforeAll(() => {
    const words = execFileSync(process.execPath, [join(repository, 'build', 'tasks', 'pack-engine.ts'), machine], { encoding: 'utf8' });
    const archive = /^Packed (\S+\.tar\.gz): /m.exec(words)?.[1] ?? '';
    mkdirSync(join(root, 'opt'), { recursive: true });
    execFileSync('tar', ['-xzf', archive, '-C', join(root, 'opt')]);
    packed = join('/opt', readdirSync(join(root, 'opt'))[0] ?? '');
    for (const folder of ['bin', 'proc', 'tmp', 'etc', 'dev', 'sys']) mkdirSync(join(root, folder), { recursive: true });
    const programs = ['/bin/sh', '/bin/readlink', '/usr/bin/sha256sum'];
    for (const program of programs) copyFileSync(program, join(root, 'bin', program.split('/').pop() ?? ''));
    copyLibraries([...programs, join(root, packed, 'bin', 'node')]);
  }, fetchingMs);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  function copyLibraries(programs: readonly string[]): void {
    for (const program of programs) {
      const listed = execFileSync('ldd', [program], { encoding: 'utf8' });
      for (const [path] of listed.matchAll(/\/\S+/g)) {
        if (existsSync(join(root, path))) continue;
        mkdirSync(join(root, dirname(path)), { recursive: true });
        cpSync(realpathSync(path), join(root, path));
      }
    }
  }

  /** Only what a new process there needs: no Node, no PATH to one, no variables of ours. */
  const inside = (...command: string[]): string[] => [
    ...['-m', 'sh', '-c', 'mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec env -i PATH=/bin /usr/sbin/chroot "$0" "$@"', root],
    ...command,
  ];

  it('arrives whole, with its licences, and without what nobody needs there', () => {
    const check = spawnSync('unshare', inside('/bin/sh', '-c', `cd ${packed} && exec sha256sum -c SHA256SUMS`), { encoding: 'utf8' });
    expect([check.status, check.stderr]).toEqual([0, '']);
    const folder = join(root, packed);
    expect(readdirSync(folder).sort()).toEqual(['LICENSE', 'README.txt', 'SHA256SUMS', 'bin', 'engine', 'hayloft-engine', 'licences', 'units']);
    expect(readdirSync(join(folder, 'bin'))).toEqual(['node']);
    expect(readFileSync(join(folder, 'licences', 'node', 'LICENSE'), 'utf8')).toContain('Node.js');
    for (const name of ['ws', 'yaml', '@peculiar+x509']) expect(readdirSync(join(folder, 'licences', name)), name).toContain('PACKAGE');
    expect(readFileSync(join(folder, 'units', 'hayloft-engine.service'), 'utf8')).toContain('ExecStart=/opt/hayloft-engine/bin/node');
  });

  it('starts where there is no Node, and is driven by kubectl', async () => {
    expect(spawnSync('unshare', inside('/bin/sh', '-c', 'command -v node')).status).not.toBe(0);
    const program = startProgram('unshare', inside(join(packed, 'hayloft-engine'), '--data-dir', '/data'));
    try {
      await program.line(/^Engine is ready: /);
      const kubeconfig = join(root, 'data', 'kubeconfig');
      const kubectl = (...args: string[]): string =>
        execFileSync('kubectl', ['--kubeconfig', kubeconfig, ...args], { encoding: 'utf8', env: { ...process.env, KUBECACHEDIR: join(root, 'tmp') } });
      expect(kubectl('get', 'nodes', '-o', 'name')).toMatch(/^node\//);
      expect(kubectl('create', 'configmap', 'here', '--from-literal=a=b')).toContain('created');
      const made = spawnSync('unshare', inside(join(packed, 'hayloft-engine'), 'token', 'create', 'other', '--role', 'viewer', '--data-dir', '/data'), { encoding: 'utf8' });
      expect(made.stderr).toBe('');
      writeFileSync(join(root, 'viewer'), made.stdout);
      expect(execFileSync('kubectl', ['--kubeconfig', join(root, 'viewer'), 'get', 'configmap', 'here', '-o', 'name'], { encoding: 'utf8' })).toBe('configmap/here\n');
    } finally {
      await program.stop();
    }
  });
});
