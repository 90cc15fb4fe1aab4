/** libvirt as a peer: its daemons, started in a folder of their own. */
import { execFile, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../rig/until.ts';

export interface Libvirt {
  /** Of libvirtd itself. */
  pid: number;
  folder: string;
  /** Runs commands, a line each, in one virsh; throws with what it says when one fails. */
  virsh(commands: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** The daemons have folders of the system's to themselves, so that a libvirt that is in use here is not touched. */
const script = `set -e
mount --make-rprivate /
mkdir -p /run/libvirt /var/lib/libvirt /etc/libvirt/qemu
for folder in /run/libvirt /var/lib/libvirt /etc/libvirt/qemu; do mount -t tmpfs tmpfs "$folder"; done
/usr/sbin/virtlogd --pid-file "$1/virtlogd.pid" &
exec /usr/sbin/libvirtd --config "$1/libvirtd.conf" --pid-file "$1/pid"`;

export async function startLibvirt(): Promise<Libvirt> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-libvirt-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'libvirtd.conf'), `unix_sock_dir = "${folder}"\nauth_unix_rw = "none"\n`);
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, 'libvirt', folder], { stdio: 'ignore' });
  const exited = new Promise((resolve) => child.on('exit', resolve));
  const pidIn = (name: string): number | undefined => {
    try {
      return Number(readFileSync(join(folder, name), 'utf8')) || undefined;
    } catch {
      return undefined;
    }
  };
  const virsh: Libvirt['virsh'] = async (commands) => {
    const uri = `qemu:///system?socket=${join(folder, 'libvirt-sock')}`;
    const { stdout } = await promisify(execFile)('virsh', ['--quiet', '--connect', uri, commands.join('; ')], { maxBuffer: 1 << 26 });
    return stdout;
  };
  const pid = await until('libvirtd', () => pidIn('pid'));
  await until('virtlogd', () => pidIn('virtlogd.pid'));
  await until('libvirtd to answer', () => virsh(['version']).catch(() => undefined));
  return {
    pid,
    folder,
    virsh,
    stop: async () => {
      const running = (await virsh(['list --name'])).split('\n').filter((line) => line !== '');
      if (running.length > 0) await virsh(running.map((name) => `destroy ${name}`));
      const virtlogd = pidIn('virtlogd.pid');
      child.kill();
      await exited;
      if (virtlogd !== undefined) process.kill(virtlogd);
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
