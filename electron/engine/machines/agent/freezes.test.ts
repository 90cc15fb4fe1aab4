import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AgentError } from '../../qemu/agent/types.ts';
import type { Guest } from '../../qemu/types.ts';
import { Freezes } from './freezes.ts';

/** A guest with an agent that answers as the test says. */
let folder: string;
let asked: string[];
let answer: (name: string) => unknown;
let guest: Guest;
const noteOf = (): string | undefined => (existsSync(join(folder, 'frozen-until')) ? readFileSync(join(folder, 'frozen-until'), 'utf8') : undefined);

beforeEach(() => {
  vi.useFakeTimers();
  folder = mkdtempSync(join(tmpdir(), 'hayloft-freezes-'));
  asked = [];
  answer = () => 1;
  const command = (name: string): Promise<unknown> => {
    asked.push(name);
    return Promise.resolve().then(() => answer(name));
  };
  guest = { uid: 'one', folder, agent: { connected: true, command, onChange: () => () => undefined } } as Partial<Guest> as Guest;
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

it('notes that a guest is to be frozen before it is asked, and thaws it in time', async () => {
  const changed = vi.fn();
  const freezes = new Freezes(changed);
  let noted: string | undefined;
  answer = () => (noted ??= noteOf());
  const until = Date.now() + 5000;
  await freezes.freeze(guest, until);
  expect(noted).toBe(String(until));
  expect(freezes.isFrozen('one')).toBe(true);
  await vi.advanceTimersByTimeAsync(5000);
  expect(asked).toEqual(['guest-fsfreeze-freeze', 'guest-fsfreeze-thaw']);
  expect([freezes.isFrozen('one'), noteOf()]).toEqual([false, undefined]);
  expect(changed).toHaveBeenCalledTimes(2);
});

it('thaws what a freeze that failed may have left frozen, and goes on trying', async () => {
  const freezes = new Freezes(() => undefined);
  let works = false;
  answer = (name) => {
    if (!works && name !== 'guest-fsfreeze-status') throw new AgentError('Timeout', 'The guest agent did not answer in time.');
    return 'frozen';
  };
  await expect(freezes.freeze(guest, Infinity)).rejects.toThrow('did not answer');
  expect(noteOf()).toBe('Infinity');
  works = true;
  await vi.advanceTimersByTimeAsync(2000);
  expect(asked.at(-1)).toBe('guest-fsfreeze-thaw');
  expect(noteOf()).toBeUndefined();
});

it('takes over what another engine has frozen, and forgets it when the guest holds nothing any more', async () => {
  await new Freezes(() => undefined).freeze(guest, Date.now() + 9000);
  const freezes = new Freezes(() => undefined);
  freezes.takeOver(guest);
  expect(freezes.isFrozen('one')).toBe(true);
  answer = () => 'thawed';
  await freezes.check(guest);
  expect([freezes.isFrozen('one'), noteOf()]).toEqual([false, undefined]);

  await new Freezes(() => undefined).freeze(guest, Date.now() - 1);
  const later = new Freezes(() => undefined);
  later.takeOver(guest);
  await vi.advanceTimersByTimeAsync(10);
  expect([later.isFrozen('one'), noteOf()]).toEqual([false, undefined]);
});
