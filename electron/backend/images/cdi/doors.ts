/**
 * The ways to CDI's upload proxy, best first: the address that CDI itself tells (its ingress, route or override), a Service
 * that leads to it from outside (LoadBalancer, NodePort), and a tunnel through the API server, which every cluster has.
 */
import { asHayloftError, HayloftError } from '#shared/contract/errors.ts';
import type { CdiConfig } from '#shared/kube/cdi.ts';
import type { KubeNode } from '#shared/kube/core.ts';
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import type { Service } from '#shared/kube/service.ts';
import type { ApiClient } from '../../clusters/api-client.ts';
import { cdiConfigs, nodes, pathOf } from '../../clusters/kinds.ts';
import type { UploadProxy } from '../upload-proxy.ts';
import { PodAgent } from './pod-tunnel.ts';

/** Of the proxy's pods, and so in the selectors of Services that lead to them. */
const label = 'cdi.kubevirt.io';
const proxyName = 'cdi-uploadproxy';
/** Where CDI is when it may not be looked for everywhere: its own default, and Harvester's place for it. */
const usualNamespaces = ['cdi', 'harvester-system'];
/** Where the proxy's own certificate comes from (CDI's doc/exposing-upload-proxy.md). */
const bundle = { name: 'cdi-uploadproxy-signer-bundle', key: 'ca-bundle.crt' };
/** What the proxy listens on, in its pod. */
const podPort = 8443;

interface Pod extends KubeObject {
  status?: { phase?: string; conditions?: { type: string; status: string }[] };
}
type Balanced = Service & { status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } } };

/** The ways, each looked for when those before it led nowhere. @throws HayloftError `unsupported`, after the last, where there is none */
export async function* uploadDoors(client: ApiClient): AsyncGenerator<UploadProxy> {
  const { localSocket, server, ca, serverName, insecure } = client.access;
  // The engine on this computer takes them itself, and through its socket much faster than by the address for others.
  if (localSocket !== undefined) {
    yield { url: server, ca, way: 'engine' };
    return;
  }
  const { status = {} } = await client.call<CdiConfig>('GET', pathOf(cdiConfigs, undefined, 'config'));
  if (status.uploadProxyURL) {
    const address = status.uploadProxyURL.includes('://') ? status.uploadProxyURL : `https://${status.uploadProxyURL}`;
    // An engine that is known by its loopback address is reached some other way: by the one that its API has.
    if (/^https:\/\/(?:127\.|\[::1\]|localhost)/.test(address) && !server.startsWith(address)) yield { url: server, ca, way: 'server', ...(serverName === undefined ? {} : { serverName }), ...(insecure === true ? { unchecked: true } : {}) };
    yield { url: address.replace(/\/+$/, ''), ca: status.uploadProxyCA ?? ca, way: 'address' };
  }
  const place = await findProxy(client);
  if (place) {
    const trust = { ca: await proxyCa(client, place.namespace), serverName: proxyName };
    yield* serviceDoors(client, place.namespace, trust);
    const to = { namespace: place.namespace, pod: place.pod, port: podPort };
    // Where the certificate's issuer may not be read, the API server vouches for whom it leads to.
    yield { url: `https://${proxyName}:${podPort}`, ...trust, way: 'tunnel', agent: new PodAgent(client, to), ...(trust.ca === undefined ? { unchecked: true } : {}) };
  } else if (!status.uploadProxyURL) {
    throw new HayloftError('unsupported', 'This cluster has no address for uploads, and its upload proxy was not found.', {
      hint: 'Its administrator can set uploadProxyURLOverride in the CDI resource, or let you list pods in CDI’s namespace.',
    });
  }
}

/** A pod of the proxy that is ready, wherever this user may look. */
async function findProxy(client: ApiClient): Promise<{ namespace: string; pod: string } | undefined> {
  const query = `?labelSelector=${encodeURIComponent(`${label}=${proxyName}`)}`;
  for (const path of ['/api/v1/pods', ...usualNamespaces.map((namespace) => `/api/v1/namespaces/${namespace}/pods`)]) {
    const pods = await readable(client.call<KubeList<Pod>>('GET', path + query));
    const ready = pods?.items.find(({ status }) => status?.phase === 'Running' && status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'));
    if (ready) return { namespace: ready.metadata.namespace ?? '', pod: ready.metadata.name ?? '' };
  }
  return undefined;
}

async function proxyCa(client: ApiClient, namespace: string): Promise<string | undefined> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/${bundle.name}`;
  return (await readable(client.call<KubeObject & { data?: Record<string, string> }>('GET', path)))?.data?.[bundle.key];
}

async function* serviceDoors(client: ApiClient, namespace: string, trust: { ca: string | undefined; serverName: string }): AsyncGenerator<UploadProxy> {
  const services = (await readable(client.call<KubeList<Balanced>>('GET', `/api/v1/namespaces/${namespace}/services`)))?.items ?? [];
  const leading = services.filter(({ spec }) => spec.selector?.[label] === proxyName);
  for (const { spec, status } of leading) {
    const port = spec.ports?.[0]?.port ?? 443;
    for (const { ip, hostname } of spec.type === 'LoadBalancer' ? (status?.loadBalancer?.ingress ?? []) : []) {
      yield { url: `https://${inUrl(ip ?? hostname ?? '')}:${port}`, ...trust, way: 'address' };
    }
  }
  const nodePorts = leading.flatMap(({ spec }) => (spec.type === 'NodePort' || spec.type === 'LoadBalancer' ? (spec.ports ?? []) : []).flatMap(({ nodePort }) => nodePort ?? []));
  if (nodePorts.length === 0) return;
  const addresses = (await readable(client.call<KubeList<KubeNode>>('GET', pathOf(nodes, undefined))))?.items.flatMap(({ status }) => status?.addresses ?? []) ?? [];
  const best = ['ExternalIP', 'InternalIP'].flatMap((type) => addresses.filter((address) => address.type === type)).at(0);
  if (best) for (const port of nodePorts) yield { url: `https://${inUrl(best.address)}:${port}`, ...trust, way: 'address' };
}

const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** What this user may not see, or is not there, is no way. */
async function readable<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    const { code } = asHayloftError(error);
    if (code === 'forbidden' || code === 'not-found') return undefined;
    throw error;
  }
}
