/**
 * The life of one real Debian: made by cloud-init, entered by SSH, told of and given keys by its agent; its disk grows and
 * another comes while it runs; it is brought back from a snapshot, and gets a twin that starts from UEFI and has a TPM.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { theAgent } from './agent.ts';
import { DebianGuest } from './debian-guest.ts';
import { itsLife } from './life.ts';

const guest = new DebianGuest();
beforeAll(() => guest.start(), 600_000);
afterAll(() => guest.end());

describe('the agent in a Debian guest', () => {
  theAgent(guest);
});

describe('a Debian guest', () => {
  itsLife(guest);
});
