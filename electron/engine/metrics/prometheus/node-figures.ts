/** This computer, by the names of Prometheus' node exporter. Where there is no /proc, what Node knows of it. */
import { statfs } from 'node:fs/promises';
import { cpus, freemem, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import type { EngineContext } from '../../context.ts';
import { storageClasses } from '../../disks/definitions/storage-class.ts';
import { hostMemory } from '../memory/memory-notes.ts';
import { parseCards, parseDisks, parseEachCpu } from '../reading/host.ts';
import { textOf } from '../reading/process.ts';
import { mountOf, type Mount } from './mounts.ts';
import type { Page } from './text.ts';

/** @param promisedBytes memory that the running guests were given */
export async function writeNode(page: Page, context: EngineContext, promisedBytes: number): Promise<void> {
  writeProcessors(page);
  writeMemory(page, promisedBytes);
  await writeFileSystems(page, context);
  for (const [device, { inBytes, outBytes }] of parseDisks(textOf('/proc/diskstats') ?? '')) {
    page.family('node_disk_read_bytes_total', 'counter', 'Bytes read from a disk of the host.').set(inBytes, { device });
    page.family('node_disk_written_bytes_total', 'counter', 'Bytes written to a disk of the host.').set(outBytes, { device });
  }
  for (const [device, { inBytes, outBytes }] of parseCards(textOf('/proc/net/dev') ?? '')) {
    page.family('node_network_receive_bytes_total', 'counter', 'Bytes that a network card of the host received.').set(inBytes, { device });
    page.family('node_network_transmit_bytes_total', 'counter', 'Bytes that a network card of the host sent.').set(outBytes, { device });
  }
  const began = /^btime (\d+)$/m.exec(textOf('/proc/stat') ?? '')?.[1];
  page.family('node_boot_time_seconds', 'gauge', 'When the host began, in seconds since 1970.').set(began === undefined ? undefined : Number(began));
  page.family('node_time_seconds', 'gauge', 'The host’s clock, in seconds since 1970.').set(Date.now() / 1000);
}

function writeProcessors(page: Page): void {
  const times = page.family('node_cpu_seconds_total', 'counter', 'Time that each processor of the host spent in each state.');
  const each = parseEachCpu(textOf('/proc/stat') ?? '');
  each.forEach((modes, cpu) => {
    for (const [mode, value] of Object.entries(modes)) times.set(value, { cpu: String(cpu), mode });
  });
  if (each.length === 0) {
    cpus().forEach(({ times: { user, nice, sys, idle, irq } }, cpu) => {
      for (const [mode, value] of Object.entries({ user, nice, system: sys, idle, irq })) times.set(value / 1000, { cpu: String(cpu), mode });
    });
  }
  const [one, five, fifteen] = loadavg();
  page.family('node_load1', 'gauge', 'Load of the host over one minute.').set(one);
  page.family('node_load5', 'gauge', 'Load of the host over five minutes.').set(five);
  page.family('node_load15', 'gauge', 'Load of the host over a quarter of an hour.').set(fifteen);
}

/** `/proc/meminfo`'s own names. */
const memoryNames = ['MemTotal', 'MemFree', 'MemAvailable', 'Buffers', 'Cached', 'SwapTotal', 'SwapFree'];

function writeMemory(page: Page, promisedBytes: number): void {
  const text = textOf('/proc/meminfo');
  for (const name of memoryNames) {
    const kib = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text ?? '')?.[1];
    const fromNode = name === 'MemTotal' ? totalmem() : name === 'MemAvailable' ? freemem() : undefined;
    page.family(`node_memory_${name}_bytes`, 'gauge', `${name} of the host’s memory.`).set(kib === undefined ? fromNode : Number(kib) * 1024);
  }
  page.family('hayloft_node_memory_allocatable_bytes', 'gauge', 'Memory that machines can have without taking from the host’s own programs.').set(hostMemory().allocatableBytes);
  page.family('hayloft_node_memory_promised_bytes', 'gauge', 'Memory that the running machines were given, in all.').set(promisedBytes);
}

async function writeFileSystems(page: Page, { dataDir, resources }: EngineContext): Promise<void> {
  const folders = [join(dataDir, 'disks'), ...resources.list(storageClasses).flatMap(({ parameters }) => parameters?.['path'] ?? [])];
  const mounts = textOf('/proc/self/mounts') ?? '';
  const found = new Map<string, { mount: Mount; folder: string }>();
  for (const folder of folders) {
    const mount = mountOf(mounts, folder) ?? { device: '', type: '', point: folder };
    found.set(mount.point, { mount, folder });
  }
  for (const { mount, folder } of found.values()) {
    // A disk that is not there now has no figures.
    const figures = await statfs(folder).catch(() => undefined);
    const of = { device: mount.device, fstype: mount.type, mountpoint: mount.point };
    page.family('node_filesystem_size_bytes', 'gauge', 'Size of a file system that holds disks of machines.').set(figures && figures.blocks * figures.bsize, of);
    page.family('node_filesystem_free_bytes', 'gauge', 'What is free in it, for the system as well.').set(figures && figures.bfree * figures.bsize, of);
    page.family('node_filesystem_avail_bytes', 'gauge', 'What is free in it for the engine.').set(figures && figures.bavail * figures.bsize, of);
  }
}
