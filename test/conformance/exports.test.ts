/** Exports: a machine's disks and definition are downloaded with curl, and brought to life by another engine. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Secret } from '../../shared/kube/core.ts';
import { EXPORT_VERSIONS, type ExportLink, type VirtualMachineExport } from '../../shared/kube/export.ts';
import type { VirtualMachine } from '../../shared/kube/kubevirt.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { openGuestShell, type GuestShell } from '../rig/guest-shell.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { processes } from '../rig/processes.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';

const mebibyte = 2 ** 20;
const diskBytes = 64 * mebibyte;
let engine: RigEngine;
let folder: string;

const apply = (object: object, to = engine): string => to.kubectl(['apply', '-f', '-'], stringify(object));
const get = <T>(kind: string, name: string): T => JSON.parse(engine.kubectl(['get', kind, name, '-o', 'json'])) as T;
const exports = (name: string, source: object, spec: object = {}): VirtualMachineExport => {
  apply({ apiVersion: 'export.kubevirt.io/v1beta1', kind: 'VirtualMachineExport', metadata: { name }, spec: { source, ...spec } });
  return get('vmexport', name);
};
const ofMachine = { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'pear' };
const ready = (name: string): ExportLink => {
  engine.kubectl(['wait', '--for=condition=Ready', `vmexport/${name}`, '--timeout=30s']);
  const link = get<VirtualMachineExport>('vmexport', name).status?.links?.external;
  if (!link) throw new Error('The export has no links.');
  writeFileSync(join(folder, 'ca.pem'), link.cert);
  return link;
};
const urlOf = (link: ExportLink, volume: string, format: 'raw' | 'gzip' | 'tar.gz'): string =>
  link.volumes?.find(({ name }) => name === volume)?.formats?.find((item) => item.format === format)?.url ?? '';
const tokenOf = (name: string): string => {
  const secret = get<VirtualMachineExport>('vmexport', name).status?.tokenSecretRef ?? '';
  return Buffer.from(get<Secret>('secret', secret).data?.['token'] ?? '', 'base64').toString();
};
const curlWords = (url: string, token: string, words: readonly string[] = []): string[] => [
  '-sS', '--cacert', join(folder, 'ca.pem'), '-H', `x-kubevirt-export-token: ${token}`, ...words, url,
]; // prettier-ignore
const curl = (url: string, token: string, words?: readonly string[]): Buffer => execFileSync('curl', curlWords(url, token, words), { maxBuffer: 2 ** 30 });
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const readers = (): number => processes().filter(({ argv }) => (argv[0] ?? '').endsWith('qemu-nbd') && argv.some((word) => word.includes(engine.dataDir))).length;
const start = async (on: RigEngine, name: string): Promise<GuestShell> => {
  on.kubectl(['patch', 'vm', name, '--type=merge', '-p', '{"spec":{"runStrategy":"Always"}}']);
  on.kubectl(['wait', '--for=condition=Ready', `vm/${name}`, '--timeout=60s']);
  return openGuestShell(on, name);
};
const stop = async (): Promise<void> => {
  engine.kubectl(['patch', 'vm', 'pear', '--type=merge', '-p', '{"spec":{"runStrategy":"Halted"}}']);
  await until('the machine to stop', () => engine.kubectl(['get', 'vmi', 'pear', '--ignore-not-found']) === '');
};
const asRaw = (claim: string): Buffer => {
  const uid = get<{ metadata: { uid: string } }>('pvc', claim).metadata.uid;
  const disks = join(engine.dataDir, 'disks', 'default');
  const [newest = ''] = execFileSync('ls', ['-t', disks], { encoding: 'utf8' }).split('\n').filter((name) => name.startsWith(uid));
  execFileSync('qemu-img', ['convert', '-O', 'raw', join(disks, newest), join(folder, 'raw')]);
  return readFileSync(join(folder, 'raw'));
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-exports-'));
  engine = await startEngine();
  await uploadImage(engine, 'root', rigImage('shell-disk'), '64Mi');
  const template = { metadata: { name: 'pear-data' }, spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '640Mi' } } } } };
  const machine: VirtualMachine = {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'pear', labels: { is: 'pear' } },
    spec: {
      runStrategy: 'Halted',
      instancetype: { name: 'u1.nano' },
      dataVolumeTemplates: [template],
      template: {
        spec: {
          terminationGracePeriodSeconds: 0,
          domain: { devices: { tpm: { persistent: true }, disks: [{ name: 'root', disk: { bus: 'virtio' } }, { name: 'data', disk: { bus: 'virtio' } }] } },
          volumes: [{ name: 'root', dataVolume: { name: 'root' } }, { name: 'data', dataVolume: { name: 'pear-data' } }],
        },
      },
    },
  };
  apply(machine);
});

afterAll(async () => {
  await engine.destroy();
  rmSync(folder, { recursive: true });
});

describe('an export', () => {
  it('waits for its machine to stop, and gives each disk raw, in parts and packed', async () => {
    const shell = await start(engine, 'pear');
    await shell.run('echo exported >/data/file && echo mark | dd of=/dev/vdb bs=1M seek=600 conv=notrunc 2>/dev/null && sync');
    apply({ apiVersion: 'snapshot.kubevirt.io/v1beta1', kind: 'VirtualMachineSnapshot', metadata: { name: 'before' }, spec: { source: ofMachine } });
    engine.kubectl(['wait', '--for=condition=Ready', 'vmsnapshot/before', '--timeout=30s']);
    await shell.run('echo later >/data/other && sync');
    shell.close();
    exports('all', ofMachine);
    const waiting = await until('it to say what it waits for', () => get<VirtualMachineExport>('vmexport', 'all').status);
    expect(waiting).toMatchObject({ phase: 'Pending', virtualMachineName: 'pear', links: {} });
    expect(waiting.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False', reason: 'InUse', message: 'Virtual Machine default/pear is running' }));
    await stop();

    const link = ready('all');
    expect(link.volumes?.map(({ name }) => name)).toEqual(['root', 'pear-data', 'persistent-state-for-pear']);
    const url = urlOf(link, 'root', 'raw');
    const token = tokenOf('all');
    const whole = asRaw('root');
    expect(whole.length).toBe(diskBytes);
    expect(digest(curl(url, token))).toBe(digest(whole));
    expect(digest(gunzipSync(curl(urlOf(link, 'root', 'gzip'), token)))).toBe(digest(whole));
    expect(curl(url, token, ['-r', '1048570-1048585']).equals(whole.subarray(1048570, 1048586))).toBe(true);
    expect(curl(url, token, ['-r', '-100']).equals(whole.subarray(-100))).toBe(true);
    const head = curl(url, token, ['-I', '-r', '10-19']).toString();
    expect(head).toMatch(/^HTTP\/1\.1 206 [\s\S]*content-length: 10\r\n/i);
    expect(head).toContain(`content-range: bytes 10-19/${diskBytes}`);
    expect(curl(url, token, ['-r', `${diskBytes}-`, '-w', '%{http_code}']).toString()).toBe('416');
    const wrong = curl(url, 'wrong', ['-w', '\n%{http_code}']).toString();
    expect(wrong.endsWith('\n401')).toBe(true);
    expect(curl(`${url}?x-kubevirt-export-token=${token}`, 'wrong', ['-r', '0-0', '-o', '/dev/null', '-w', '%{http_code}']).toString()).toBe('206');
    expect(curl(url.replace('/root/', '/none/'), token, ['-w', '\n%{http_code}']).toString()).toMatch(/404$/);

    // 640 MiB of which next to nothing was ever written.
    const packed = curl(urlOf(link, 'pear-data', 'gzip'), token);
    expect(packed.length).toBeLessThan(16 * mebibyte);
    writeFileSync(join(folder, 'data.gz'), packed);
    expect(execFileSync('sh', ['-c', `gzip -dc "$1" | wc -c; gzip -dc "$1" | tail -c +${600 * mebibyte + 1} | head -c 4`, 'sh', join(folder, 'data.gz')]).toString()).toBe(`${640 * mebibyte}\nmark`);

    exports('then', { apiGroup: 'snapshot.kubevirt.io', kind: 'VirtualMachineSnapshot', name: 'before' });
    const old = curl(urlOf(ready('then'), 'root', 'raw'), tokenOf('then'));
    expect(old.includes('exported')).toBe(true);
    expect(old.equals(whole)).toBe(false);
    await until('no reader to be left', () => readers() === 0);
  }, 300_000);

  it('ends its readers when the client leaves, and cuts downloads off when the machine starts', async () => {
    const link = ready('all');
    const begin = (volume: string): { lost: Promise<number | null> } => {
      const child = spawn('curl', curlWords(urlOf(link, volume, 'raw'), tokenOf('all'), ['--limit-rate', '1M', '-o', join(folder, 'part')]), { stdio: 'ignore' });
      const lost = new Promise<number | null>((resolve) => child.once('exit', resolve));
      leave = () => child.kill('SIGKILL');
      return { lost };
    };
    let leave = (): boolean => false;
    begin('root');
    await until('a reader', () => readers() === 1);
    leave();
    await until('the reader to end', () => readers() === 0);

    const { lost } = begin('root');
    await until('the download to flow', () => (statSync(join(folder, 'part'), { throwIfNoEntry: false })?.size ?? 0) > 0);
    const shell = await start(engine, 'pear');
    shell.close();
    // 18: a part of the file only.
    expect([18, 56]).toContain(await lost);
    expect(readers()).toBe(0);
    await stop();

    begin('root');
    await until('a reader', () => readers() === 1);
    await engine.program.stop('SIGKILL');
    await until('the reader to end with its engine', () => readers() === 0);
    engine = await startEngine({ dataDir: engine.dataDir });
  }, 300_000);

  it('brings the machine to life elsewhere, by what its manifests say', async () => {
    const link = ready('all');
    const manifest = (type: string): string => curl(link.manifests?.find((item) => item.type === type)?.url ?? '', tokenOf('all'), ['-H', 'Accept: application/yaml']).toString();
    const elsewhere = await startEngine();
    try {
      elsewhere.kubectl(['apply', '-f', '-'], manifest('auth-header-secret'));
      elsewhere.kubectl(['apply', '-f', '-'], manifest('all'));
      await until('the disks to come', () => elsewhere.kubectl(['get', 'dv', '-o', 'jsonpath={.items[*].status.phase}']) === 'Succeeded Succeeded', 120_000);
      const vm = JSON.parse(elsewhere.kubectl(['get', 'vm', 'pear', '-o', 'json'])) as VirtualMachine;
      expect(vm.metadata.labels).toEqual({ is: 'pear' });
      expect(vm.spec.instancetype).toBeUndefined();
      expect(vm.spec.template.spec.domain.memory?.guest).toBe('512Mi');
      // What the TPM remembers is a volume of files, which comes back by itself.
      const archive = curl(urlOf(link, 'persistent-state-for-pear', 'tar.gz'), tokenOf('all'));
      const statePath = '/apis/state.hayloft.io/v1/namespaces/default/virtualmachines/pear/persistentstate';
      expect((await elsewhere.api('PUT', statePath, { archive: 'aGVsbG8=' })).text).toContain('no packed tar archive');
      expect((await elsewhere.api('PUT', statePath, { archive: archive.toString('base64') })).status).toBe(200);
      const stateOf = (on: RigEngine): Buffer => {
        const uid = on.kubectl(['get', 'vm', 'pear', '-o', 'jsonpath={.metadata.uid}']);
        return readFileSync(join(on.dataDir, 'firmware', `${uid}.tpm`, 'tpm2-00.permall'));
      };
      expect(stateOf(elsewhere).equals(stateOf(engine))).toBe(true);
      const shell = await start(elsewhere, 'pear');
      expect((await elsewhere.api('PUT', statePath, { archive: archive.toString('base64') })).text).toContain('VM is running');
      expect(await shell.run('cat /data/file /data/other')).toBe('exported\nlater');
      expect(await shell.run('dd if=/dev/vdb bs=1M skip=600 count=1 2>/dev/null | head -c 4')).toBe('mark');
      shell.close();
    } finally {
      await elsewhere.destroy();
    }
  }, 240_000);

  it('of a claim has no machine in it; its owner’s token opens it, and its time ends', async () => {
    apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'mine' }, stringData: { token: 'my-own-token' } });
    exports('claim', { apiGroup: '', kind: 'PersistentVolumeClaim', name: 'root' }, { tokenSecretRef: 'mine' });
    const link = ready('claim');
    for (const version of EXPORT_VERSIONS) {
      const shown = get<VirtualMachineExport>(`virtualmachineexports.${version}.export.kubevirt.io`, 'claim');
      expect([shown.apiVersion, shown.status?.phase]).toEqual([`export.kubevirt.io/${version}`, 'Ready']);
      expect(curl(urlOf(link, 'root', 'raw').replace('v1beta1', version), 'my-own-token', ['-r', '0-9']).length).toBe(10);
    }
    apply({ apiVersion: 'export.kubevirt.io/v1alpha1', kind: 'VirtualMachineExport', metadata: { name: 'old' }, spec: { source: { apiGroup: '', kind: 'PersistentVolumeClaim', name: 'root' } } });
    ready('old');
    expect(link.manifests).toBeUndefined();
    expect(curl(urlOf(link, 'root', 'raw'), 'my-own-token').length).toBe(diskBytes);
    expect(() => exports('bad', { apiGroup: '', kind: 'Pod', name: 'root' })).toThrow('spec.source.kind');
    expect(() => exports('bad', ofMachine, { ttlDuration: 'soon' })).toThrow('spec.ttlDuration');
    exports('short', ofMachine, { ttlDuration: '2s' });
    ready('short');
    await until('it to end', () => engine.kubectl(['get', 'vmexport', 'short', '--ignore-not-found']) === '');
    await until('its token to go with it', () => engine.kubectl(['get', 'secret', 'export-token-short', '--ignore-not-found']) === '');
  });
});
