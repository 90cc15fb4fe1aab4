/** A real QEMU with an empty drive and one whose tray is to be open. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { rigImage } from '../../../../test/rig/images/rig-image.ts';
import { nodeName } from '../../qemu/argv/disks.ts';
import { drivesOf } from '../../qemu/hotplug/drives.ts';
import { createHypervisor } from '../../qemu/hypervisor.ts';
import { fillOpenTrays, startsWithOpenTray } from './open-tray.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

it('a drive begins with its medium in the open tray, and is left as the guest leaves it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-tray-'));
  const hypervisor = createHypervisor({ runDir: join(folder, 'run'), cacheDir: join(tmpdir(), 'hayloft-test-cache'), firmwareDir: join(folder, 'firmware'), log: silent });
  const disks = [{ name: 'cd', cdrom: { tray: 'open' as const } }, { name: 'empty', cdrom: { tray: 'open' as const } }, { name: 'closed', cdrom: {} }];
  const vmi: VirtualMachineInstance = {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    metadata: { name: 'vm', namespace: 'default', uid: crypto.randomUUID() },
    spec: { domain: { memory: { guest: '64Mi' }, devices: { disks } } },
  };
  const file = { path: rigImage('ipxe-iso'), format: 'raw' as const, virtualSizeBytes: 1, allocatedBytes: 1 };
  const guest = await hypervisor.start({ vmi, volumes: new Map([['cd', file], ['closed', file]]) });
  onTestFinished(async () => {
    await guest.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  expect(startsWithOpenTray(vmi)).toBe(true);
  await fillOpenTrays(vmi, guest);
  const drives = await drivesOf(guest.monitor);
  expect(drives.of('cd')).toEqual({ node: nodeName('cd'), trayOpen: true });
  expect(drives.of('empty')).toEqual({ node: undefined, trayOpen: true });
  expect(drives.of('closed')).toEqual({ node: nodeName('closed'), trayOpen: false });

  await guest.monitor.command('blockdev-close-tray', { id: 'disk-cd' });
  await fillOpenTrays(vmi, guest);
  expect((await drivesOf(guest.monitor)).of('cd')?.trayOpen).toBe(false);
});
