import { describe, expect, it, vi, type Mock } from 'vitest';
import type { Secret } from '#shared/kube/core.ts';
import type { AccessCredential, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { AgentError } from '../../qemu/agent/types.ts';
import type { Guest } from '../../qemu/types.ts';
import { AccessKeeper } from './keeper.ts';
import { wantedAccess } from './wanted.ts';

const secret = (data: Record<string, string>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {},
  data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
});
const keysFor = (secretName: string, ...users: string[]): AccessCredential => ({
  sshPublicKey: { source: { secret: { secretName } }, propagationMethod: { qemuGuestAgent: { users } } },
});
const passwordsOf = (secretName: string): AccessCredential => ({
  userPassword: { source: { secret: { secretName } }, propagationMethod: { qemuGuestAgent: {} } },
});
const vmi = (...accessCredentials: AccessCredential[]): VirtualMachineInstance => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachineInstance',
  metadata: { name: 'web' },
  spec: { domain: { devices: {} }, accessCredentials },
});

describe('what a guest is to have', () => {
  it('is each user’s keys from all Secrets, a line each, and passwords by user', () => {
    const secrets: Record<string, Secret> = { a: secret({ x: 'one\ntwo\n', y: ' one ' }), b: secret({ z: 'three' }), p: secret({ ann: 'word\n', bob: '' }) };
    const wanted = wantedAccess(vmi(keysFor('a', 'ann', 'bob'), keysFor('b', 'ann'), passwordsOf('p'), passwordsOf('none')), (name) => secrets[name]);
    expect(wanted).toEqual({
      keys: { ann: ['one', 'two', 'three'], bob: ['one', 'two'] },
      passwords: { ann: 'word' },
      missing: ['The Secret none does not exist.'],
    });
  });

  it('is none of what cloud-init brings at the start', () => {
    const byCloudInit: AccessCredential = { sshPublicKey: { source: { secret: { secretName: 'a' } }, propagationMethod: { noCloud: {} } } };
    expect(wantedAccess(vmi(byCloudInit), () => secret({ x: 'one' }))).toEqual({ keys: {}, passwords: {}, missing: [] });
  });
});

describe('the keeper of access', () => {
  interface SetUp {
    agent: { connected: boolean };
    said: [string, unknown][];
    onChange: Mock<(uid: string) => void>;
    look: (from: Secret) => ReturnType<AccessKeeper['look']>;
  }
  const setUp = (answer: () => Promise<unknown> = () => Promise.resolve({})): SetUp => {
    const said: [string, unknown][] = [];
    const agent = {
      connected: true,
      onChange: () => () => undefined,
      command: (name: string, args?: Record<string, unknown>) => (said.push([name, args]), answer()),
    };
    const onChange = vi.fn<(uid: string) => void>();
    const guest = { uid: 'g', agent } as unknown as Guest;
    const keeper = new AccessKeeper(onChange);
    const look = (from: Secret): ReturnType<AccessKeeper['look']> => keeper.look(guest, vmi(keysFor('k', 'ann')), () => from);
    return { agent, said, onChange, look };
  };
  const first = secret({ a: 'one' });
  const add = (keys: string[]): [string, unknown] => ['guest-ssh-add-authorized-keys', { username: 'ann', keys, reset: true }];

  it('asks once, tells when it is done, and again when the Secret changes or the agent comes back', async () => {
    const { agent, said, onChange, look } = setUp();
    expect(look(first)).toBeUndefined();
    expect(look(first)).toBeUndefined();
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith('g'));
    expect(look(first)).toEqual({ lookAgainMs: expect.any(Number) as number });
    expect(said).toEqual([add(['one'])]);
    look(secret({ a: 'two' }));
    expect(said).toEqual([add(['one']), add(['two'])]);
    agent.connected = false;
    expect(look(first)).toEqual({ problem: 'Guest agent is offline' });
    agent.connected = true;
    expect(look(first)).toBeUndefined();
    expect(said).toHaveLength(3);
  });

  it('tells what the agent refused, and comes back to it', async () => {
    const { onChange, look } = setUp(() => Promise.reject(new AgentError('GenericError', 'no such user')));
    look(first);
    await vi.waitFor(() => expect(onChange).toHaveBeenCalled());
    const state = look(first);
    expect(state?.problem).toBe('Error encountered writing ssh pub key access credentials for user [ann]: no such user');
    expect(state?.lookAgainMs).toBeLessThanOrEqual(15_000);
  });
});
