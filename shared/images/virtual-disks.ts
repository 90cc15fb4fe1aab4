/** Disk image formats of hypervisors, by their headers: QCOW2, VMDK, VDI, VHDX, VHD. */
import { hasText, textAt, u32, u32be, u64, u64be } from './bytes.ts';
import type { ImageFinding, ImageFormat, ImageProblem } from './finding.ts';

const unsupported = (message: string, hint: string): ImageProblem => ({ code: 'unsupported', message, hint });
const flatten = 'Make it one whole file first: qemu-img convert -O qcow2 IMAGE whole.qcow2, then use that.';

const disk = (format: ImageFormat, virtualSizeBytes?: number, problem?: ImageProblem): ImageFinding => ({
  kind: 'disk',
  format,
  truncated: false,
  ...(virtualSizeBytes === undefined ? {} : { virtualSizeBytes }),
  ...(problem === undefined ? {} : { problem }),
});

/** The finding for a hypervisor's disk image, or undefined when this is none. */
export function recognizeVirtualDisk(head: Uint8Array): ImageFinding | undefined {
  if (hasText(head, 0, 'QFI\xfb')) return qcow2(head);
  if (hasText(head, 0, 'KDMV')) return vmdk(head);
  if (hasText(head, 0, '# Disk DescriptorFile')) {
    return disk(
      'vmdk',
      undefined,
      unsupported(
        'This is only the description of a VMware disk; the disk itself is in other files beside it.',
        'Make one file of them: qemu-img convert -O qcow2 DISK.vmdk whole.qcow2, then use that.',
      ),
    );
  }
  if (u32(head, 0x40) === 0xbeda107f) return disk('vdi', u64(head, 0x170));
  if (hasText(head, 0, 'vhdxfile')) return disk('vhdx');
  if (hasText(head, 0, 'conectix')) return vhd(head);
  return undefined;
}

/**
 * Fields of the QCOW2 header (QEMU's docs/interop/qcow2). Files that name other files are refused: opening them
 * would show a guest files of the host that the uploader could not read otherwise.
 */
function qcow2(head: Uint8Array): ImageFinding {
  const version = u32be(head, 4);
  const size = u64be(head, 24);
  const refuse = (message: string, hint: string): ImageFinding => disk('qcow2', size, unsupported(message, hint));
  if (version !== 2 && version !== 3) {
    return refuse(`QCOW version ${version ?? 'unknown'} is not known here.`, flatten);
  }
  if (u64be(head, 8) !== 0) {
    return refuse('This QCOW2 image is only the changes to another image (it has a backing file).', flatten);
  }
  if (u32be(head, 32) !== 0) {
    return refuse('This QCOW2 image is encrypted.', 'Convert it to an unencrypted one with qemu-img convert first.');
  }
  // Bit 2 of the incompatible features: the data lies in an external file.
  if (version === 3 && ((u32be(head, 76) ?? 0) & 4) !== 0) {
    return refuse('This QCOW2 image keeps its data in another file.', flatten);
  }
  return disk('qcow2', size);
}

function vmdk(head: Uint8Array): ImageFinding {
  const sectors = u64(head, 12) ?? 0;
  // Without a capacity of its own, the embedded description names the files that hold the data.
  if (sectors === 0) {
    return disk('vmdk', undefined, unsupported('This VMware disk keeps its data in other files.', flatten));
  }
  const description = textAt(head, (u64(head, 28) ?? 0) * 512, 1024);
  const parent = /^parentCID=(?!ffffffff)/im.test(description);
  return disk(
    'vmdk',
    sectors * 512,
    parent ? unsupported('This VMware disk is only the changes to another one (a snapshot).', flatten) : undefined,
  );
}

function vhd(head: Uint8Array): ImageFinding {
  const differencing = u32be(head, 60) === 4;
  return disk(
    'vhd',
    u64be(head, 48),
    differencing ? unsupported('This VHD is only the changes to another one.', flatten) : undefined,
  );
}
