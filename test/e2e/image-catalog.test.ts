/** The catalog through a mirror in this network: fetched by the engine, compared with published checksums, renamed, renewed, deleted. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../rig/until.ts';
import { startSession, type Session } from './session.ts';

const folder = mkdtempSync(join(tmpdir(), 'hayloft-mirror-'));
const debian = 'cloud.debian.org/images/cloud/bookworm/latest';
const patient = { timeout: 30_000 };
let server: Server;
let mirror = '';
let session: Session;

const put = (path: string, bytes: string | Buffer): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), bytes);
};

beforeAll(async () => {
  // A disk with a boot sector, as those that begin with nothing are taken for broken downloads.
  const raw = Buffer.alloc(8 * 2 ** 20);
  raw.set([0xeb, 0x3c, 0x90]);
  raw.set([0x80, 0, 2, 0, 0x83, 0, 0, 0], 446);
  raw.writeUInt32LE(2048, 454);
  raw.writeUInt32LE(8192, 458);
  raw.writeUInt16LE(0xaa55, 510);
  put('disk.raw', raw);
  const image = join(folder, debian, 'debian-12-generic-amd64.qcow2');
  mkdirSync(dirname(image), { recursive: true });
  execFileSync('qemu-img', ['convert', '-O', 'qcow2', join(folder, 'disk.raw'), image]);
  put(`${debian}/SHA512SUMS`, `${createHash('sha512').update(readFileSync(image)).digest('hex')}  debian-12-generic-amd64.qcow2\n`);
  const other = 'dl.rockylinux.org/pub/rocky/9/images/x86_64/Rocky-9-GenericCloud-Base.latest.x86_64.qcow2';
  put(other, readFileSync(image));
  put(`${other}.CHECKSUM`, `SHA256 (${other.split('/').at(-1)}) = ${'0'.repeat(64)}\n`);
  put('notes.iso', 'This is no disc.\n');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-u', '-b', '/etc/shadow', '-F', 'raw', join(folder, 'liar.qcow2'), '1M']);
  server = createServer((request, response) => {
    const path = join(folder, decodeURIComponent(request.url ?? ''));
    if (!existsSync(path) || !statSync(path).isFile()) return void response.writeHead(404).end();
    const { size } = statSync(path);
    const [, from = '0', to = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const end = Math.min(size - 1, to === '' ? size - 1 : Number(to));
    response.writeHead(to === '' ? 200 : 206, { 'content-length': end - Number(from) + 1, ...(to === '' ? {} : { 'content-range': `bytes ${from}-${end}/${size}` }) });
    createReadStream(path, { start: Number(from), end }).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  session = await startSession();
});

afterAll(async () => {
  await session.end();
  server.close();
  rmSync(folder, { recursive: true });
});

it('fetches an image by the catalog and a mirror, and says who logs in to it', async () => {
  const { page, app } = session;
  await until('the engine', async () => (await (await app.engine()).api('GET', '/readyz')).status === 200);
  await page.goto(`${app.url.split('#')[0]}#/images/catalog`);
  await page.getByRole('button', { name: 'Mirror…' }).click();
  await page.getByLabel('Address', { exact: true }).fill(`${mirror}/`);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText(`Files come from the mirror ${mirror}.`).waitFor(patient);
  await session.picture('catalog');

  await page.getByRole('button', { name: 'Import Debian 12' }).click();
  const row = page.getByRole('row', { name: /Debian 12.*Ready/ });
  await row.waitFor(patient);
  expect(await row.textContent()).toContain('user debian');
});

it('refuses an image whose checksum is another one', async () => {
  const { page, app } = session;
  await page.goto(`${app.url.split('#')[0]}#/images/catalog`);
  await page.getByRole('button', { name: 'Import Rocky Linux 9' }).click();
  const row = page.getByRole('row', { name: /Rocky Linux 9.*Failed/ });
  await row.waitFor(patient);
  expect(await row.textContent()).toContain('The sha256 checksum of the download is');
  await session.picture('catalog-images');
});

it.each([
  ['a text that is called a disc', 'notes.iso', 'This is a text file'],
  ['a disk that names a file of the host', 'liar.qcow2', 'it has a backing file'],
  ['what is not there', 'gone.iso', 'answered 404'],
])('refuses %s before the cluster is asked', async (_name, file, words) => {
  const { page, app } = session;
  await page.goto(`${app.url.split('#')[0]}#/images`);
  const address = `${mirror}/${file}`;
  await page.evaluate((text) => {
    const data = new DataTransfer();
    data.setData('text/plain', text);
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
  }, address);
  const dialog = page.getByRole('dialog');
  expect(await dialog.getByLabel('Address', { exact: true }).inputValue()).toBe(address);
  await dialog.getByRole('button', { name: 'Import' }).click();
  await dialog.getByText(words).waitFor(patient);
  await session.picture(`import-${file}`);
  await page.keyboard.press('Escape');
});

it('inserts a disc that is dropped on a machine’s page, whatever the file is called', async () => {
  const { page, app } = session;
  const name = `${'ä'.repeat(100)}\n"🦄".img`;
  execFileSync('genisoimage', ['-quiet', '-V', 'DROPPED', '-o', join(folder, 'dropped.iso'), join(folder, 'notes.iso')]);
  const engine = await app.engine();
  const machine = {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'aimed', namespace: 'default' },
    spec: { runStrategy: 'Halted', template: { spec: { domain: { memory: { guest: '64Mi' }, devices: { disks: [{ name: 'cd', cdrom: { bus: 'sata' } }] } } } } },
  };
  expect((await engine.api('POST', '/apis/kubevirt.io/v1/namespaces/default/virtualmachines', machine)).status).toBe(201);
  await page.goto(`${app.url.split('#')[0]}#/machines/local/default/aimed/overview`);
  await page.getByRole('heading', { name: 'aimed' }).first().waitFor(patient);
  await page.evaluate(({ bytes, called }) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(bytes), (char) => char.charCodeAt(0))], called));
    for (const type of ['dragenter', 'dragover', 'drop']) document.querySelector('main')?.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }, { bytes: readFileSync(join(folder, 'dropped.iso')).toString('base64'), called: name });
  const dialog = page.getByRole('dialog');
  await until('the file to be read', () => dialog.getByRole('radio', { name: /Insert as CD/ }).isChecked());
  expect(await dialog.getByRole('radio', { name: /Attach as disk/ }).isDisabled()).toBe(true);
  await session.picture('machine-drop');
  await dialog.getByRole('button', { name: 'Upload' }).click();
  await page.getByText('It is in the CD drive of aimed.').waitFor(patient);
  await session.picture('machine-dropped');
  const answer = await engine.api('GET', '/apis/kubevirt.io/v1/namespaces/default/virtualmachines/aimed');
  expect(JSON.stringify(answer.json())).toContain('"persistentVolumeClaim"');
  await page.getByRole('row', { name: /DROPPED.*aimed/ }).waitFor(patient);
});

it('renames an image, fetches it anew and keeps the old one, and deletes it', async () => {
  const { page } = session;
  const act = async (image: string, what: string): Promise<void> => {
    await page.getByRole('button', { name: `Actions for ${image}`, exact: true }).click();
    await page.getByRole('menuitem', { name: what }).click();
  };
  await act('Debian 12', 'Rename');
  await page.getByLabel('Name', { exact: true }).fill('My Debian');
  await page.getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('row', { name: /My Debian/ }).waitFor(patient);
  await act('My Debian', 'Fetch it anew');
  await page.getByRole('row', { name: /My Debian \(until .*Ready/ }).waitFor(patient);
  await page.getByRole('row', { name: /My Debian (?!\(until).*Ready/ }).waitFor(patient);
  await page.getByRole('button', { name: /Actions for My Debian \(until/ }).click();
  await page.getByRole('menuitem', { name: 'Delete image' }).click();
  await page.getByRole('button', { name: 'Delete image' }).click();
  await until('the old one to go', async () => (await page.getByRole('row', { name: /until/ }).count()) === 0);
});
