/** What the parsers make of texts and answers as systems and QEMU give them. */
import { describe, expect, it } from 'vitest';
import { parseAgentCards, parseBalloon, parseBlockStats, parseThreads, usedMemory } from './guest-answers.ts';
import { busySeconds, parseCards, parseCpu, parseDisks, parseEachCpu, readHostFigures, totalOf } from './host.ts';
import { parseStat, parseThread, readProcess } from './process.ts';

describe('a process', () => {
  it('is read whatever its name holds', () => {
    const text = '812 (qemu) x 86 (R)) S 1 812 812 0 -1 4194560 9000 0 12 0 2503 417 0 0 20 0 5 0 129034 987654144 20480 18446744073709551615 1 1 0';
    expect(parseStat(text)).toEqual({ userSeconds: 25.03, systemSeconds: 4.17, residentBytes: 20480 * 4096 });
    expect(parseStat('812 (qemu) S 1')).toBeUndefined();
  });

  it.runIf(process.platform === 'linux')('is this one', () => {
    expect(readProcess(process.pid)?.residentBytes).toBeGreaterThan(2 ** 20);
    expect(readProcess(2 ** 30)).toBeUndefined();
  });

  it('has threads that run, or wait', () => {
    expect(parseThread('9 (CPU 0/TCG) R 1 2', '1500000000 250000000 88')).toEqual({ state: 'running', runSeconds: 1.5, waitSeconds: 0.25 });
    expect(parseThread('9 (CPU 0/TCG) S 1 2', '0 0 0')?.state).toBe('blocked');
    expect(parseThread('9 (CPU 0/TCG) S 1 2', '')).toBeUndefined();
  });
});

describe('the host', () => {
  const stat = 'cpu  100 20 300 4000 50 6 7 8 90 10\ncpu0 40 20 200 2000 50 6 7 8 0 0\ncpu1 60 0 100 2000 0 0 0 0 0 0\nintr 1\nbtime 1700000000\n';

  it('counts the time of its processors; a guest’s time is the user’s already', () => {
    const times = parseCpu(stat);
    expect(times).toEqual({ user: 1, nice: 0.2, system: 3, idle: 40, iowait: 0.5, irq: 0.06, softirq: 0.07, steal: 0.08 });
    expect(times && busySeconds(times)).toBeCloseTo(4.41);
    expect(parseEachCpu(stat).map(({ user }) => user)).toEqual([0.4, 0.6]);
    expect(parseCpu('nothing')).toBeUndefined();
  });

  it('counts transfers once, at whole disks', () => {
    const text = [
      '   8       0 sda 10 0 100 5 20 0 200 6 0 0 0',
      '   8       1 sda1 10 0 100 5 20 0 200 6 0 0 0',
      ' 259       0 nvme0n1 1 0 8 1 1 0 16 1 0 0 0',
      ' 259       1 nvme0n1p1 1 0 8 1 1 0 16 1 0 0 0',
      ' 253       0 dm-0 1 0 8 1 1 0 16 1 0 0 0',
      '   7       0 loop0 1 0 8 1 1 0 16 1 0 0 0',
    ].join('\n');
    const disks = parseDisks(text);
    expect([...disks.keys()]).toEqual(['sda', 'nvme0n1']);
    expect(totalOf(disks)).toEqual({ inBytes: 108 * 512, outBytes: 216 * 512 });
    expect(totalOf(undefined)).toBeUndefined();
  });

  it('counts what passes real cards', () => {
    const line = (name: string): string => `${name}: 1000 10 0 0 0 0 0 0 500 5 0 0 0 0 0 0`;
    const cards = parseCards(['Inter-|', ' face |', line('    lo'), line('  eth0'), line('wlp2s0'), line('docker0'), line('hl1234567890a')].join('\n'));
    expect([...cards]).toEqual([['eth0', { inBytes: 1000, outBytes: 500 }], ['wlp2s0', { inBytes: 1000, outBytes: 500 }]]);
  });

  it('is this computer', () => {
    const figures = readHostFigures();
    expect(busySeconds(figures.cpu)).toBeGreaterThan(0);
    expect(figures.memoryAvailableBytes).toBeLessThan(figures.memoryBytes);
  });
});

describe('a guest’s answers', () => {
  it('tell of each disk by its name, and not of firmware', () => {
    const stats = { rd_bytes: 512, wr_bytes: 1024, rd_operations: 1, wr_operations: 2, flush_operations: 3, rd_total_time_ns: 5e8, wr_total_time_ns: 1e9, flush_total_time_ns: 0 };
    const answer = [
      { device: '', qdev: '/machine/peripheral/disk-root/virtio-backend', stats },
      { device: '', qdev: '/machine/peripheral/disk-cd', stats: { ...stats, rd_bytes: 0 } },
      { device: 'pflash0', qdev: '/machine/system.flash0', stats },
    ];
    const disks = parseBlockStats(answer);
    expect([...disks.keys()]).toEqual(['root', 'cd']);
    expect(disks.get('root')).toEqual({ readBytes: 512, writtenBytes: 1024, reads: 1, writes: 2, flushes: 3, readSeconds: 0.5, writeSeconds: 1, flushSeconds: 0 });
    expect(parseBlockStats(undefined).size).toBe(0);
  });

  it('tell of memory what the driver knows, while it still says it', () => {
    const unknown = 18_446_744_073_709_552_000;
    const answer = { 'last-update': 1000, stats: { 'stat-total-memory': 256, 'stat-free-memory': 100, 'stat-available-memory': 150, 'stat-swap-in': unknown } };
    expect(parseBalloon(answer, 1010)).toEqual({ total: 256, free: 100, available: 150 });
    expect(parseBalloon(answer, 1100)).toBeUndefined();
    expect(parseBalloon({ ...answer, 'last-update': 0 }, 1_700_000_000)).toBeUndefined();
    expect(usedMemory({ total: 256, free: 100, available: 150 })).toBe(106);
    expect(usedMemory({ total: 256, free: 100 })).toBe(156);
    expect(usedMemory({ free: 100 })).toBeUndefined();
  });

  it('tell of cards by their addresses, the card before the bridge that took its address', () => {
    const card = (name: string, bytes: number): object => ({ name, 'hardware-address': '52:54:00:AA:bb:cc', statistics: { 'rx-bytes': bytes, 'tx-bytes': 2, 'rx-packets': 3, 'tx-packets': 4, 'rx-errs': 0, 'tx-errs': 0, 'rx-dropped': 0, 'tx-dropped': 0 } });
    const cards = parseAgentCards([{ name: 'lo' }, card('eth0', 1), card('br0', 9), { name: 'eth1', 'hardware-address': '52:54:00:00:00:01' }]);
    expect([...cards.keys()]).toEqual(['52:54:00:aa:bb:cc']);
    expect(cards.get('52:54:00:aa:bb:cc')).toMatchObject({ receivedBytes: 1, sentBytes: 2 });
  });

  it('tell the threads of the processors in their order', () => {
    expect(parseThreads([{ 'cpu-index': 1, 'thread-id': 12 }, { 'cpu-index': 0, 'thread-id': 11 }])).toEqual([11, 12]);
  });
});
