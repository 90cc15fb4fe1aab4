/** Reads what QEMU and a guest's agent answer about figures. Pure. Shapes: QEMU's qapi/block-core.json, docs/interop/virtio-balloon-stats, qga/qapi-schema.json. */

export interface DiskFigures {
  readBytes: number;
  writtenBytes: number;
  reads: number;
  writes: number;
  flushes: number;
  readSeconds: number;
  writeSeconds: number;
  flushSeconds: number;
}

/** Counted by whoever carries it; from the guest's point of view. */
export interface CardFigures {
  receivedBytes: number;
  sentBytes: number;
  receivedPackets: number;
  sentPackets: number;
  receiveErrors: number;
  sendErrors: number;
  receiveDrops: number;
  sendDrops: number;
}

/** What a guest's balloon driver tells of its memory, in bytes; a driver may leave out what its system does not know. */
export interface BalloonFigures {
  total?: number;
  free?: number;
  available?: number;
  caches?: number;
  swapIn?: number;
  swapOut?: number;
  majorFaults?: number;
  minorFaults?: number;
}

type Fields = Record<string, unknown>;

const record = (value: unknown): Fields => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {});
const list = (value: unknown): Fields[] => (Array.isArray(value) ? value.map(record) : []);
const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

/** @returns by the disk's name in the spec; drives that are not among them (firmware's) are left out */
export function parseBlockStats(answer: unknown): Map<string, DiskFigures> {
  const found = new Map<string, DiskFigures>();
  for (const { qdev, stats } of list(answer)) {
    const name = /\/peripheral\/disk-([^/]+)/.exec(typeof qdev === 'string' ? qdev : '')?.[1];
    if (name === undefined) continue;
    const of = record(stats);
    found.set(name, {
      readBytes: number(of['rd_bytes']),
      writtenBytes: number(of['wr_bytes']),
      reads: number(of['rd_operations']),
      writes: number(of['wr_operations']),
      flushes: number(of['flush_operations']),
      readSeconds: number(of['rd_total_time_ns']) / 1e9,
      writeSeconds: number(of['wr_total_time_ns']) / 1e9,
      flushSeconds: number(of['flush_total_time_ns']) / 1e9,
    });
  }
  return found;
}

/** What the driver does not know it tells as -1, unsigned: no memory is that large. */
const unknownFrom = 2 ** 63;

/** What was told longer ago is no news: the guest stands still, or its driver is gone. */
const staleSeconds = 60;

/**
 * @param nowSeconds since 1970
 * @returns undefined while the guest has no driver that tells anything
 */
export function parseBalloon(answer: unknown, nowSeconds: number): BalloonFigures | undefined {
  const { stats, 'last-update': updated } = record(answer);
  if (nowSeconds - number(updated) > staleSeconds) return undefined;
  const of = record(stats);
  const names: Record<keyof BalloonFigures, string> = {
    total: 'stat-total-memory',
    free: 'stat-free-memory',
    available: 'stat-available-memory',
    caches: 'stat-disk-caches',
    swapIn: 'stat-swap-in',
    swapOut: 'stat-swap-out',
    majorFaults: 'stat-major-faults',
    minorFaults: 'stat-minor-faults',
  };
  const known = Object.entries(names)
    .map(([ours, theirs]) => [ours, of[theirs]] as const)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] < unknownFrom);
  return Object.fromEntries(known);
}

/** What the guest itself uses; undefined where its driver does not tell enough. */
export function usedMemory(balloon: BalloonFigures | undefined): number | undefined {
  const left = balloon?.available ?? balloon?.free;
  return balloon?.total === undefined || left === undefined ? undefined : Math.max(0, balloon.total - left);
}

/** @returns by the card's address, in lower case; cards whose system does not count are left out */
export function parseAgentCards(answer: unknown): Map<string, CardFigures> {
  const found = new Map<string, CardFigures>();
  for (const { 'hardware-address': address, statistics } of list(answer)) {
    if (typeof address !== 'string' || typeof statistics !== 'object' || statistics === null) continue;
    const of = record(statistics);
    const mac = address.toLowerCase();
    // A bridge in the guest takes the address of the card in it, which comes before it.
    if (found.has(mac)) continue;
    found.set(mac, {
      receivedBytes: number(of['rx-bytes']),
      sentBytes: number(of['tx-bytes']),
      receivedPackets: number(of['rx-packets']),
      sentPackets: number(of['tx-packets']),
      receiveErrors: number(of['rx-errs']),
      sendErrors: number(of['tx-errs']),
      receiveDrops: number(of['rx-dropped']),
      sendDrops: number(of['tx-dropped']),
    });
  }
  return found;
}

/** @returns the threads of the processors, in their order */
export function parseThreads(answer: unknown): number[] {
  return list(answer)
    .sort((a, b) => number(a['cpu-index']) - number(b['cpu-index']))
    .map((cpu) => number(cpu['thread-id']));
}
