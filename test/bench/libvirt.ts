/** libvirt as a peer: its daemons, started in a folder of their own. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../rig/until.ts';

export interface Libvirt {
  /** Of libvirtd itself. */
  pid: number;
  folder: string;
  /** Runs commands, a line each, in one virsh; throws with what it says when one fails. */
  virsh(commands: readonly string[]): string;
  stop(): Promise<void>;
}

export async function startLibvirt(): Promise<Libvirt> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-libvirt-'));
  chmodSync(folder, 0o755);
  const config = join(folder, 'libvirtd.conf');
  writeFileSync(config, `unix_sock_dir = "${folder}"\nauth_unix_rw = "none"\n`);
  const pidFile = join(folder, 'pid');
  // The one writes what QEMU says, the other does all else.
  const children = [
    spawn('/usr/sbin/virtlogd', ['--pid-file', join(folder, 'virtlogd.pid')], { stdio: 'ignore' }),
    spawn('/usr/sbin/libvirtd', ['--config', config, '--pid-file', pidFile], { stdio: 'ignore' }),
  ];
  const exits = children.map((child) => new Promise((resolve) => child.on('exit', resolve)));
  const pid = await until('libvirtd', () => {
    try {
      return Number(readFileSync(pidFile, 'utf8')) || undefined;
    } catch {
      return undefined;
    }
  });
  const socket = join(folder, 'libvirt-sock');
  const virsh: Libvirt['virsh'] = (commands) =>
    execFileSync('virsh', ['--quiet', '--connect', `qemu:///system?socket=${socket}`, commands.join('; ')], { encoding: 'utf8', maxBuffer: 1 << 26 });
  await until('libvirtd to answer', () => {
    try {
      virsh(['version']);
      return true;
    } catch {
      return undefined;
    }
  });
  return {
    pid,
    folder,
    virsh,
    stop: async () => {
      for (const child of children) child.kill();
      await Promise.all(exits);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The domain that is the same as {@link smallMachine}, as far as both can say it. */
export function smallDomain(name: string): string {
  return `<domain type='qemu'>
    <name>${name}</name>
    <memory unit='MiB'>32</memory>
    <vcpu>1</vcpu>
    <os><type arch='x86_64' machine='q35'>hvm</type></os>
    <cpu mode='custom'><model>qemu64</model></cpu>
    <devices>
      <emulator>/usr/bin/qemu-system-x86_64</emulator>
      <controller type='usb' model='qemu-xhci'/>
      <controller type='virtio-serial'/>
      <serial type='pty'/>
      <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
      <input type='tablet' bus='usb'/>
      <graphics type='vnc'><listen type='socket'/></graphics>
      <video><model type='vga'/></video>
      <memballoon model='virtio'/>
    </devices>
  </domain>`;
}

/** A machine whose firmware runs, and nothing else. */
export function smallMachine(name: string): object {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name },
    spec: {
      runStrategy: 'Halted',
      template: {
        spec: {
          terminationGracePeriodSeconds: 0,
          domain: { memory: { guest: '32Mi' }, cpu: { model: 'qemu64' }, devices: { autoattachPodInterface: false } },
        },
      },
    },
  };
}
