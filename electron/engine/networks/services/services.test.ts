import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Interface, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { refusal, rigStore } from '../../store/store-rig.ts';
import type { Service } from '../definitions/service.ts';
import { guestPort } from '../pod-network.ts';
import { busyPorts, findNodePort } from './node-ports.ts';
import { checkedServices } from './service-admission.ts';
import { planServices, type ServicePlan } from './wanted-forwards.ts';

const service = (name: string, spec: Partial<Service['spec']> = {}, annotations?: Record<string, string>): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default', ...(annotations ? { annotations } : {}) },
  spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80 }], ...spec },
});

const instance = (name: string, labels: Record<string, string>, item: Partial<Interface> = {}, ready = 'True'): VirtualMachineInstance => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachineInstance',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, labels, creationTimestamp: `2026-01-01T00:00:0${name.length}Z` },
  spec: {
    domain: { devices: { interfaces: [{ name: 'default', masquerade: {}, ...item }] } },
    networks: [{ name: 'default', pod: {} }],
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready as 'True' }] },
});

describe('a Service', () => {
  const open = (): { create: (object: Service) => Service; update: (object: Service) => Service } => {
    const { api, resources } = rigStore();
    const checked = checkedServices(() => resources);
    return {
      create: (object) => api.create(checked, object) as Service,
      update: (object) => api.update(checked, object) as Service,
    };
  };

  it('is given a port of the range, keeps it, and gets what Kubernetes fills in', () => {
    const { create, update } = open();
    const made = create(service('a', { ports: [{ port: 80, targetPort: '', nodePort: 0 }] }));
    const [port] = made.spec.ports ?? [];
    expect(port).toMatchObject({ protocol: 'TCP', port: 80, targetPort: 80 });
    expect(port?.nodePort).toBeGreaterThanOrEqual(30_000);
    expect(port?.nodePort).toBeLessThanOrEqual(32_767);
    expect(made.spec).toMatchObject({ sessionAffinity: 'None', externalTrafficPolicy: 'Cluster' });
    expect(update(service('a', { ports: [{ port: 80, targetPort: 8080 }] })).spec.ports?.[0]?.nodePort).toBe(port?.nodePort);
  });

  it.each<[string, Partial<Service['spec']>, string]>([
    ['a port that another has', { ports: [{ port: 22, nodePort: 31_000 }] }, 'spec.ports[0].nodePort'],
    ['a port beyond the range', { ports: [{ port: 22, nodePort: 80 }] }, 'spec.ports[0].nodePort'],
    ['no selector', { selector: {} }, 'spec.selector'],
    ['no ports', { ports: [] }, 'spec.ports'],
    ['several ports without names', { ports: [{ port: 1 }, { port: 2 }] }, 'spec.ports[0].name'],
    ['the same port twice', { ports: [{ name: 'a', port: 1 }, { name: 'b', port: 1 }] }, 'spec.ports[1]'],
  ])('is refused with %s', (_name, spec, field) => {
    const { create } = open();
    create(service('first', { ports: [{ port: 80, nodePort: 31_000 }] }));
    expect(refusal(() => create(service('second', spec))).details?.causes?.[0]?.field).toBe(field);
  });

  it('is refused without a type, and with an address that is none', () => {
    const { create } = open();
    const typeless = service('a');
    delete typeless.spec.type;
    expect(refusal(() => create(typeless)).details?.causes?.[0]?.field).toBe('spec.type');
    expect(refusal(() => create(service('b', {}, { 'hayloft.io/listen-address': 'lan' }))).code).toBe(422);
  });

  it('shares a number between TCP and UDP', () => {
    const { create } = open();
    const ports = [{ name: 'a', port: 53, nodePort: 31_053 }, { name: 'b', protocol: 'UDP' as const, port: 53, nodePort: 31_053 }];
    expect(create(service('dns', { ports })).spec.ports).toHaveLength(2);
  });
});

describe('the plan', () => {
  const plan = (spec: Partial<Service['spec']>, vmis: VirtualMachineInstance[], annotations?: Record<string, string>): ServicePlan => {
    const [only] = planServices([service('web', spec, annotations)], vmis, '127.0.0.1');
    if (!only) throw new Error('There is no plan.');
    return only;
  };
  const ports = [{ port: 80, nodePort: 31_080, targetPort: 8080 }];

  it('leads to the oldest machine that matches and is ready', () => {
    const vmis = [instance('newest', { app: 'web' }), instance('older', { app: 'web' }), instance('old', { app: 'web' }, {}, 'False'), instance('x', { app: 'db' })];
    expect(plan({ ports }, vmis).backend?.metadata.name).toBe('older');
    expect(plan({ ports, publishNotReadyAddresses: true }, vmis).backend?.metadata.name).toBe('old');
    expect(plan({ ports, selector: { app: 'web', tier: 'x' } }, vmis).backend).toBeUndefined();
    expect(plan({ ports, selector: { 'vm.kubevirt.io/name': 'x' } }, vmis).backend?.metadata.name).toBe('x');
  });

  it('opens the node port, and the port itself for a LoadBalancer, where it is told to', () => {
    const vmis = [instance('a', { app: 'web' })];
    expect(plan({ ports }, vmis).forwards).toEqual([{ protocol: 'TCP', address: '127.0.0.1', hostPort: 31_080, guestPort: 8080, netdev: 'net-default' }]);
    const balanced = plan({ type: 'LoadBalancer', ports }, vmis, { 'hayloft.io/listen-address': '0.0.0.0' });
    expect(balanced.forwards.map(({ address, hostPort }) => [address, hostPort])).toEqual([['0.0.0.0', 31_080], ['0.0.0.0', 80]]);
  });

  it('leads to named ports, and to no others where an interface lists some', () => {
    const vmi = instance('a', { app: 'web' }, { ports: [{ name: 'http', port: 8000 }, { name: 'dns', port: 53, protocol: 'UDP' }] });
    expect(guestPort(vmi, 'http', 'TCP')).toEqual({ netdev: 'net-default', port: 8000 });
    expect(guestPort(vmi, 8000, 'TCP')).toMatchObject({ port: 8000 });
    expect(guestPort(vmi, 8000, 'UDP')).toHaveProperty('problem');
    expect(guestPort(vmi, 22, 'TCP')).toHaveProperty('problem');
    expect(guestPort(vmi, 'dns', 'TCP')).toHaveProperty('problem');
    expect(plan({ ports }, [vmi]).problems).toHaveLength(1);
  });
});

describe('node ports', () => {
  it.runIf(process.platform === 'linux')('are not taken from a program that listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect(busyPorts('TCP').has((server.address() as AddressInfo).port)).toBe(true);
    server.close();
  });

  it('run out', () => {
    const busy = new Set(Array.from({ length: 2768 }, (_, index) => 30_000 + index));
    busy.delete(30_123);
    expect(findNodePort('TCP', new Set(), busy)).toBe(30_123);
    expect(findNodePort('TCP', new Set(['TCP/30123']), busy)).toBeUndefined();
  });
});
