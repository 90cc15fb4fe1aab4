/** An upload whose sender loses the connection after the last byte, while the disk is made of what came. */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { request as httpRequest, type ClientRequest } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished, vi } from 'vitest';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { rigImage } from '../../../../test/rig/images/rig-image.ts';
import { startDisks, uploadOf, type DisksRig } from '../disks-rig.ts';
import type * as placement from '../populate/place.ts';
import { place } from '../populate/place.ts';

vi.mock('../populate/place.ts', async (original) => {
  const real = await original<typeof placement>();
  return { ...real, place: vi.fn(real.place) };
});

const iso = readFileSync(rigImage('ipxe-iso'));
const whole = { 'upload-complete': '?1', 'upload-length': String(iso.length) };
const rest = { ...whole, 'upload-offset': String(iso.length), 'content-length': '0' };

async function begin(rig: DisksRig, method: string, headers: Record<string, string>): Promise<{ request: ClientRequest; answer: Promise<{ status: number; complete: unknown; offset: unknown; text: string }> }> {
  const request = httpRequest(`${rig.address}/v1beta1/upload`, { method, agent: false, headers: { authorization: `Bearer ${await rig.token('image')}`, ...headers } });
  const answer = new Promise<{ status: number; complete: unknown; offset: unknown; text: string }>((resolve, reject) => {
    request.on('error', reject).on('response', (response) => {
      const { 'upload-complete': complete, 'upload-offset': offset } = response.headers;
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, complete, offset, text: body }), reject);
    });
  });
  answer.catch(() => undefined);
  return { request, answer };
}

async function ask(rig: DisksRig, method: string, headers: Record<string, string> = {}): ReturnType<typeof answerOf> {
  return answerOf(await begin(rig, method, headers));
}
const answerOf = ({ request, answer }: Awaited<ReturnType<typeof begin>>): Awaited<ReturnType<typeof begin>>['answer'] => {
  request.end();
  return answer;
};

/** All bytes are sent, the connection is lost, and the making of the disk stands still. @returns lets it go on, or fail */
async function cutWhilePlacing(): Promise<{ rig: DisksRig; goOn: (failure?: Error) => void }> {
  const rig = await startDisks();
  rig.volume('image', uploadOf('100Mi'));
  await rig.untilPhase('image', 'UploadReady');
  const { place: real } = await vi.importActual<typeof placement>('../populate/place.ts');
  const gate = Promise.withResolvers<Error | undefined>();
  const reached = new Promise<void>((resolve) => {
    vi.mocked(place).mockImplementationOnce(async (received, to) => {
      to.signal.addEventListener('abort', () => gate.resolve(undefined));
      resolve();
      const failure = await gate.promise;
      if (failure) throw failure;
      await real(received, to);
    });
  });
  onTestFinished(() => gate.resolve(undefined));
  const { request } = await begin(rig, 'PATCH', { ...whole, 'upload-offset': '0', 'content-length': String(iso.length) });
  request.end(iso);
  await reached;
  request.destroy();
  return { rig, goOn: (failure) => gate.resolve(failure) };
}

async function expectImage(rig: DisksRig): Promise<void> {
  await rig.untilPhase('image', 'Succeeded');
  const found = rig.module.catalog.find('default', 'image');
  expect(found.state === 'ready' && readFileSync(found.file.path).subarray(0, iso.length).equals(iso)).toBe(true);
  expect(rig.fileNames()).toHaveLength(1);
}

it('is not complete before the disk is made, and its sender gets the answer by an empty PATCH', async () => {
  const { rig, goOn } = await cutWhilePlacing();
  expect(await ask(rig, 'HEAD')).toMatchObject({ status: 204, complete: '?0', offset: String(iso.length) });
  const again = ask(rig, 'PATCH', rest);
  expect(await ask(rig, 'PATCH', { ...rest, 'upload-offset': '0', 'upload-length': '0' })).toMatchObject({ status: 503 });
  goOn();
  expect(await again).toMatchObject({ status: 200, complete: '?1' });
  await expectImage(rig);
  expect(await ask(rig, 'HEAD')).toMatchObject({ status: 204, complete: '?1' });
});

it('tells by that, too, that no disk became of it, and is sent anew then', async () => {
  const { rig, goOn } = await cutWhilePlacing();
  const again = ask(rig, 'PATCH', rest);
  // It has come when an answer to a later one is there.
  await ask(rig, 'HEAD');
  goOn(new HayloftError('truncated', 'The image is damaged.'));
  expect(await again).toMatchObject({ status: 400, text: expect.stringContaining('damaged') as string });
  expect(await ask(rig, 'HEAD')).toMatchObject({ status: 204, complete: '?0', offset: '0' });
});

it('goes on with what the engine keeps, where that is stopped meanwhile', async () => {
  const { rig } = await cutWhilePlacing();
  await rig.restart();
  expect(await ask(rig, 'HEAD')).toMatchObject({ status: 204, complete: '?0', offset: '0' });
  const { request, answer } = await begin(rig, 'PATCH', { ...whole, 'upload-offset': '0', 'content-length': String(iso.length) });
  request.end(iso);
  expect(await answer).toMatchObject({ status: 200 });
  await expectImage(rig);
});

it('needs no byte again where the engine is killed meanwhile', async () => {
  const { rig } = await cutWhilePlacing();
  const left = rig.fileNames().map((name) => join(rig.dataDir, 'disks', name));
  expect(left).toHaveLength(2);
  const keptAt = (path: string): string => path.replace(`${rig.dataDir}/disks`, `${rig.dataDir}/kept`);
  for (const path of left) {
    mkdirSync(dirname(keptAt(path)), { recursive: true });
    copyFileSync(path, keptAt(path));
  }
  await rig.restart();
  for (const path of left) copyFileSync(keptAt(path), path);
  expect(await ask(rig, 'HEAD')).toMatchObject({ status: 204, complete: '?0', offset: String(iso.length) });
  expect(await ask(rig, 'PATCH', rest)).toMatchObject({ status: 200, complete: '?1' });
  await expectImage(rig);
});
