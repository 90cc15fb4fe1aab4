import { describe, expect, it, vi } from 'vitest';
import { uploadOf, blank, startDisks } from '../disks-rig.ts';
import { rigImage } from '../../../../test/rig/images/rig-image.ts';
import { postFile } from '../upload/post-file.ts';

// A stand-in for a computer without QEMU: this one has it.
vi.mock('../../qemu/binary.ts', () => ({ findProgram: () => undefined }));

describe('without qemu-img', () => {
  it('makes blank disks as sparse raw files', async () => {
    const rig = await startDisks();
    rig.volume('root', blank('32Mi'));
    await rig.untilPhase('root', 'Succeeded');
    expect(rig.module.catalog.find('default', 'root')).toMatchObject({
      state: 'ready',
      file: { format: 'raw', virtualSizeBytes: 32 * 1024 * 1024, allocatedBytes: 0 },
    });
  });

  it('refuses images that it could not check, and takes ISOs', async () => {
    const rig = await startDisks();
    rig.volume('disk', uploadOf('64Mi'));
    await rig.untilPhase('disk', 'UploadReady');
    const answer = await postFile(rig, 'disk', rigImage('shell-disk'));
    expect(answer).toMatchObject({ status: 500, code: 'engine-missing-qemu' });
    expect(answer.hint).toContain('qemu-utils');
    rig.volume('disc', uploadOf('2Mi'));
    await rig.untilPhase('disc', 'UploadReady');
    expect(await postFile(rig, 'disc', rigImage('ipxe-iso'))).toMatchObject({ status: 200 });
    await rig.untilPhase('disc', 'Succeeded');
    expect(rig.fileNames()).toHaveLength(1);
  });
});
