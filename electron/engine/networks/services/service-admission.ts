/** What a schema cannot say about Services: defaults, ports that are given out, and ports that two would want. */
import { isIPv4 } from 'node:net';
import type { StatusCause } from '#shared/kube/object.ts';
import type { Admission, ResourceDefinition } from '../../api/definition.ts';
import { invalid } from '../../api/errors.ts';
import type { Resources } from '../../store/resources.ts';
import { services, type Service, type ServicePort } from '../definitions/service.ts';
import { busyPorts, findNodePort, firstNodePort, hostPorts, lastNodePort, portKey } from './node-ports.ts';

/** On a Service: the address of this computer on which it is reached, where the usual one is not meant. */
export const LISTEN_ANNOTATION = 'hayloft.io/listen-address';

/** Services with all their checks. */
export function checkedServices(resources: () => Resources): ResourceDefinition<Service> {
  return { ...services, admit: (admission) => admit(resources(), admission) };
}

const fault = (field: string, message: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message });

function admit(resources: Resources, { object: service, old }: Admission<Service>): void {
  const { metadata, spec } = service;
  const causes = [...checkType(service), ...checkAddress(service)];
  fillIn(spec);
  const others = resources
    .list(services)
    .filter(({ metadata: other }) => other.name !== metadata.name || other.namespace !== metadata.namespace);
  const owners = new Map(others.flatMap((other) => hostPorts(other).map(({ protocol, hostPort }) => [portKey(protocol, hostPort), other])));
  const ports = spec.ports ?? [];
  ports.forEach((port, index) => {
    causes.push(...checkPort(ports, port, index));
    keepNodePort(port, old);
  });
  if (causes.length === 0) causes.push(...giveNodePorts(service, new Set(owners.keys())));
  const own = new Set<string>();
  for (const { protocol, hostPort, index } of hostPorts(service)) {
    const key = portKey(protocol, hostPort);
    const owner = owners.get(key);
    const field = `spec.ports[${index}].${hostPort === ports[index]?.nodePort ? 'nodePort' : 'port'}`;
    if (owner) causes.push(fault(field, `the port ${hostPort} (${protocol}) belongs to the Service ${owner.metadata.namespace ?? ''}/${owner.metadata.name ?? ''}`));
    else if (own.has(key)) causes.push(fault(field, `the port ${hostPort} (${protocol}) is there twice`));
    own.add(key);
  }
  if (causes.length > 0) throw invalid(services, metadata.name ?? '', causes);
}

function checkType({ spec }: Service): StatusCause[] {
  const causes: StatusCause[] = [];
  if (spec.type === undefined) {
    // What Kubernetes takes for granted is what cannot be had here.
    causes.push(fault('spec.type', 'without a type it would be ClusterIP, and there is no cluster network here: use NodePort or LoadBalancer'));
  }
  if (Object.keys(spec.selector ?? {}).length === 0) {
    causes.push(fault('spec.selector', 'labels of the machine that is to answer are needed'));
  }
  if ((spec.ports ?? []).length === 0) causes.push(fault('spec.ports', 'at least one port is needed'));
  return causes;
}

function checkAddress({ metadata }: Service): StatusCause[] {
  const address = metadata.annotations?.[LISTEN_ANNOTATION];
  if (address === undefined || isIPv4(address)) return [];
  return [fault(`metadata.annotations[${LISTEN_ANNOTATION}]`, `"${address}" is no IPv4 address; 0.0.0.0 stands for all of this computer’s`)];
}

function fillIn(spec: Service['spec']): void {
  spec.sessionAffinity ??= 'None';
  spec.externalTrafficPolicy ??= 'Cluster';
  spec.internalTrafficPolicy ??= 'Cluster';
  spec.ipFamilies ??= ['IPv4'];
  spec.ipFamilyPolicy ??= 'SingleStack';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP';
    // KubeVirt's client sends an empty text for "the same".
    if (port.targetPort === undefined || port.targetPort === '' || port.targetPort === 0) port.targetPort = port.port;
    if (port.nodePort === 0) delete port.nodePort;
  }
}

function checkPort(ports: readonly ServicePort[], port: ServicePort, index: number): StatusCause[] {
  const at = `spec.ports[${index}]`;
  const { name, protocol, targetPort, nodePort } = port;
  const causes: StatusCause[] = [];
  const twin = ports.findIndex((other) => other.port === port.port && other.protocol === protocol);
  if (twin !== index) causes.push(fault(at, `${port.port} (${protocol ?? 'TCP'}) is there twice`));
  if (ports.length > 1 && name === undefined) causes.push(fault(`${at}.name`, 'each of several ports needs a name'));
  if (name !== undefined && ports.findIndex((other) => other.name === name) !== index) causes.push(fault(`${at}.name`, `"${name}" is there twice`));
  if (typeof targetPort === 'number' && (targetPort < 1 || targetPort > 65_535)) causes.push(fault(`${at}.targetPort`, 'a port is a number from 1 to 65535'));
  if (nodePort !== undefined && (nodePort < firstNodePort || nodePort > lastNodePort)) {
    causes.push(fault(`${at}.nodePort`, `The range of valid ports is ${firstNodePort}-${lastNodePort}`));
  }
  return causes;
}

/** Who writes a Service anew without naming the port that it was given keeps it. */
function keepNodePort(port: ServicePort, old: Service | undefined): void {
  if (port.nodePort !== undefined) return;
  const before = old?.spec.ports?.find((other) => other.port === port.port && other.protocol === port.protocol);
  if (before?.nodePort !== undefined) port.nodePort = before.nodePort;
}

function giveNodePorts({ spec }: Service, taken: Set<string>): StatusCause[] {
  if (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false) return [];
  const causes: StatusCause[] = [];
  const ports = spec.ports ?? [];
  for (const { protocol = 'TCP', nodePort } of ports) if (nodePort !== undefined) taken.add(portKey(protocol, nodePort));
  ports.forEach((port, index) => {
    if (port.nodePort !== undefined) return;
    const { protocol = 'TCP' } = port;
    const found = findNodePort(protocol, taken, busyPorts(protocol));
    if (found === undefined) {
      causes.push(fault(`spec.ports[${index}].nodePort`, 'every port of the range is taken: delete a Service that is not needed'));
      return;
    }
    port.nodePort = found;
    taken.add(portKey(protocol, found));
  });
  return causes;
}
