/** The files of one running guest. */
import { join } from 'node:path';

export interface GuestPaths {
  folder: string;
  qmp: string;
  vnc: string;
  serial: string;
  agent: string;
  /** What QEMU itself has to say. */
  log: string;
  /** What another engine must know to take the guest over. */
  record: string;
  /** UEFI variables. */
  variables: string;
  /** The TPM's control socket, what it has to say, and its state where that ends with the guest. */
  tpm: string;
  tpmLog: string;
  tpmState: string;
}

export function guestPaths(folder: string): GuestPaths {
  return {
    folder,
    qmp: join(folder, 'qmp.sock'),
    vnc: join(folder, 'vnc.sock'),
    serial: join(folder, 'serial.sock'),
    agent: join(folder, 'agent.sock'),
    log: join(folder, 'qemu.log'),
    record: join(folder, 'guest.json'),
    variables: join(folder, 'uefi-variables.fd'),
    tpm: join(folder, 'tpm.sock'),
    tpmLog: join(folder, 'tpm.log'),
    tpmState: join(folder, 'tpm'),
  };
}

/** Where a guest that is started with a saved state takes it from. */
export const incomingSocket = (folder: string): string => join(folder, 'incoming.sock');
