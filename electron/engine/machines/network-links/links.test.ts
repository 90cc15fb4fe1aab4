import { describe, expect, it } from 'vitest';
import type { Interface, VirtualMachineInstance, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import type { Guest } from '../../qemu/types.ts';
import { declaredLinks, LinkKeeper, withoutLinkStates } from './links.ts';

const spec = (...interfaces: Interface[]): VirtualMachineInstanceSpec => ({ domain: { devices: { interfaces } } });
const card = (state?: 'up' | 'down'): Interface => ({ name: 'default', masquerade: {}, ...(state === undefined ? {} : { state }) });

describe('links', () => {
  const running = (state: 'up' | 'down' | undefined, linkState?: string): VirtualMachineInstance => ({
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    metadata: {},
    spec: spec(card(state)),
    status: linkState === undefined ? {} : { interfaces: [{ name: 'default', linkState }] },
  });
  const setUp = (): { said: unknown[]; guest: Guest } => {
    const said: unknown[] = [];
    const command = (name: string, args?: Record<string, unknown>): Promise<unknown> => Promise.resolve(said.push([name, args]));
    return { said, guest: { monitor: { command } } as unknown as Guest };
  };
  const set = (up: boolean): unknown => ['set_link', { name: 'nic-default', up }];

  it('that are up need nothing to be said', async () => {
    const { said, guest } = setUp();
    await new LinkKeeper().sync(guest, running(undefined, 'up'));
    await new LinkKeeper().sync(guest, running('up'));
    expect(said).toEqual([]);
  });

  it('are set once for each change', async () => {
    const { said, guest } = setUp();
    const keeper = new LinkKeeper();
    for (const state of ['down', 'down', 'up', undefined, 'down'] as const) await keeper.sync(guest, running(state));
    expect(said).toEqual([set(false), set(true), set(false)]);
  });

  it('are set again by an engine that does not know whether the one before it did', async () => {
    const { said, guest } = setUp();
    await new LinkKeeper().sync(guest, running('down', 'down'));
    await new LinkKeeper().sync(guest, running(undefined, 'down'));
    expect(said).toEqual([set(false), set(true)]);
  });

  it('follow the template, and need no restart', () => {
    expect(declaredLinks(spec(card('down')), spec(card()))).toEqual(spec(card('down')));
    expect(declaredLinks(spec(card()), spec(card('down')))).toEqual(spec(card()));
    expect(declaredLinks(spec(card('up')), spec(card('up')))).toBeUndefined();
    expect(declaredLinks(spec(), spec(card('down')))).toBeUndefined();
    expect(withoutLinkStates([card('down')])).toEqual([card()]);
  });
});
