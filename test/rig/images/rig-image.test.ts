import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HEAD_BYTES, recognize } from '#shared/images/recognize.ts';
import { qcow2WithBackingFile, rawImage, textIso, truncatedIso } from './bad-images.ts';
import { rigImage } from './rig-image.ts';
import { shellHostName, shellPassword } from './shell-disk.ts';

let folder = '';
const guests: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-rig-'));
});
afterEach(() => {
  for (const guest of guests.splice(0)) guest.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

function look(path: string): ReturnType<typeof recognize> {
  const size = statSync(path).size;
  const head = new Uint8Array(Math.min(HEAD_BYTES, size));
  readSync(openSync(path, 'r'), head, 0, head.length, 0);
  return recognize(head, size);
}

interface Line {
  path: string;
  socket: Promise<Socket>;
  /** Waits for a text in what is said from now on, or since the last wait. */
  until(text: RegExp): Promise<void>;
}

/** A socket that QEMU connects to. */
async function line(name: string): Promise<Line> {
  const path = join(folder, name);
  const server = createServer();
  await once(server.listen(path), 'listening');
  let heard = '';
  let check: () => void = () => undefined;
  const socket = once(server, 'connection').then(([connection]: unknown[]) => {
    server.close();
    return (connection as Socket).setEncoding('utf8').on('data', (text: string) => {
      heard += text;
      check();
    });
  });
  const until = (text: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error(`No ${String(text)} on ${name}:\n${heard}`)), 40_000);
      check = () => {
        const match = text.exec(heard);
        if (!match) return;
        clearTimeout(deadline);
        heard = heard.slice(match.index + match[0].length);
        resolve();
      };
      check();
    });
  return { path, socket, until };
}

describe('test images', () => {
  it('are what they say', () => {
    expect(look(rigImage('netboot-iso'))).toMatchObject({ kind: 'iso', label: 'HAYLOFT_NETBOOT', boots: ['bios'], hybrid: true });
    expect(look(rigImage('ipxe-iso'))).toMatchObject({ kind: 'iso', bootable: true });
    expect(look(rigImage('shell-disk'))).toMatchObject({ kind: 'disk', format: 'qcow2' });
    expect(statSync(rigImage('shell-disk')).size).toBeLessThan(40e6);
    expect(look(truncatedIso(folder, rigImage('netboot-iso'))).problem?.code).toBe('truncated');
    expect(look(textIso(folder)).problem?.code).toBe('not-an-image');
    expect(look(qcow2WithBackingFile(folder)).problem?.code).toBe('unsupported');
    const raw = rawImage(folder, 3_000_000);
    expect(statSync(raw).size).toBe(3_000_000);
    expect(look(raw)).toMatchObject({ kind: 'disk', format: 'raw', truncated: false });
    expect(look(raw).problem).toBeUndefined();
  });

  it('the shell disk logs in on its serial line, keeps files, and shuts down when the power button is pressed', async () => {
    const serial = await line('serial');
    const monitor = await line('qmp');
    const guest = spawn('qemu-system-x86_64', [
      '-accel', 'tcg', '-m', '256', '-display', 'none', '-nodefaults', '-vga', 'std', '-no-reboot', '-snapshot',
      '-drive', `file=${rigImage('shell-disk')},if=virtio,format=qcow2`,
      '-netdev', 'user,id=net,restrict=on', '-device', 'virtio-net-pci,netdev=net',
      '-chardev', `socket,id=serial,path=${serial.path}`, '-serial', 'chardev:serial',
      '-chardev', `socket,id=qmp,path=${monitor.path}`, '-mon', 'chardev=qmp,mode=control',
    ]); // prettier-ignore
    guests.push(guest);
    const ended = once(guest, 'exit');
    const [keyboard, qmp] = await Promise.all([serial.socket, monitor.socket]);
    await monitor.until(/"QMP"/);
    qmp.write('{"execute":"qmp_capabilities"}');

    await serial.until(new RegExp(`${shellHostName} login:`));
    keyboard.write('root\n');
    await serial.until(/Password:/);
    keyboard.write(`${shellPassword}\n`);
    await serial.until(/# /);
    keyboard.write('uname -sn; echo kept >/data/file && cat /data/file\n');
    await serial.until(new RegExp(`Linux ${shellHostName}[^]*\\nkept`));
    keyboard.write('resize\n');
    await serial.until(/\[999;999H/);
    keyboard.write('\x1b[50;132R');
    await serial.until(/50 132/);
    keyboard.write('until ip addr | grep -q 10.0.2.15; do usleep 100000; done; echo add"ress"\n');
    await serial.until(/\naddress/);

    qmp.write('{"execute":"system_powerdown"}');
    await serial.until(/clean shutdown/);
    expect((await ended)[0]).toBe(0);
  });
});
