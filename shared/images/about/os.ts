/** Systems that images hold, by short names, and what machines for them begin with. */

export interface GuessedOs {
  /** A short name: `debian`, `windows`; also one that nothing is known about. */
  id: string;
  /** For people, with the version where it is known. */
  name: string;
}

/** What a machine for a system should at least have. */
export interface OsNeeds {
  memoryBytes?: number;
  diskBytes?: number;
  firmware?: 'uefi';
  tpm?: true;
  /** Its installer has no drivers for virtio. */
  noVirtio?: true;
}

const gib = 2 ** 30;

const needs: Readonly<Record<string, OsNeeds>> = {
  windows: { memoryBytes: 4 * gib, diskBytes: 64 * gib, firmware: 'uefi', tpm: true, noVirtio: true },
  haos: { firmware: 'uefi', memoryBytes: 2 * gib, diskBytes: 32 * gib },
  proxmox: { memoryBytes: 4 * gib, diskBytes: 32 * gib },
  opnsense: { memoryBytes: 2 * gib, diskBytes: 16 * gib },
};

export const needsOf = (id: string | undefined): OsNeeds => (id === undefined ? {} : (needs[id] ?? {}));

/** Text of a disc, which could be anything: short, and of one line. */
const tame = (text: string): string => text.replace(/\p{C}/gu, '').slice(0, 80).trim();

export const osOf = (id: string, name: string): GuessedOs => ({ id: tame(id).slice(0, 32), name: tame(name) });
