/** The character device behind a macvtap, opened for QEMU, which takes it as a descriptor. */
import { execFile } from 'node:child_process';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { HostLink } from '../../qemu/types.ts';

/** @throws HayloftError */
export async function openTap(device: string): Promise<HostLink> {
  const index = readFileSync(`/sys/class/net/${device}/ifindex`, 'utf8').trim();
  try {
    const file = `/dev/tap${index}`;
    const descriptor = existsSync(file) ? openSync(file, constants.O_RDWR) : await openThroughNode(device);
    let open = true;
    return {
      kind: 'descriptor',
      descriptor,
      close: () => {
        if (open) closeSync(descriptor);
        open = false;
      },
    };
  } catch (error) {
    throw new HayloftError('forbidden', `The network device of the machine (/dev/tap${index}) could not be opened: ${error instanceof Error ? error.message : String(error)}`, {
      hint: 'Run the engine as root, or use a network of type bridge.',
      retryable: true,
      cause: error,
    });
  }
}

/** In containers and network namespaces nobody makes the file in /dev: sysfs has the numbers that one needs. */
async function openThroughNode(device: string): Promise<number> {
  const base = `/sys/class/net/${device}`;
  const entry = readdirSync(base).find((name) => /^tap\d+$/.test(name)) ?? 'macvtap';
  const folder = entry === 'macvtap' ? join(base, entry, readdirSync(join(base, entry))[0] ?? '') : join(base, entry);
  const [major = '', minor = ''] = readFileSync(join(folder, 'dev'), 'utf8').trim().split(':');
  const place = mkdtempSync(join(tmpdir(), 'hayloft-tap-'));
  try {
    const node = join(place, 'tap');
    await promisify(execFile)('mknod', ['-m', '600', node, 'c', major, minor]);
    return openSync(node, constants.O_RDWR);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
