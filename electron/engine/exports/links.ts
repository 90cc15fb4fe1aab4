/** Where an export is downloaded. Paths: KubeVirt's pkg/storage/export/export/links.go. Pure. */
import type { ExportLink, VirtualMachineExport } from '#shared/kube/export.ts';

/** All downloads are below it. On a cluster it is the export proxy's. @param version of the export's API */
export const exportPrefix = (version: string): string => `/api/export.kubevirt.io/${version}/namespaces/`;

export type LinkKind = 'internal' | 'external';

export type ExportTarget = { namespace: string; name: string } & (
  | { kind: 'volume'; volume: string; format: 'raw' | 'gzip' | 'tar.gz' }
  | { kind: 'manifest'; link: LinkKind; manifest: 'all' | 'secret' }
);

const baseOf = (endpoint: string, { metadata }: VirtualMachineExport): string =>
  `${endpoint}${exportPrefix('v1beta1')}${metadata.namespace ?? ''}/virtualmachineexports/${metadata.name ?? ''}`;

export const volumeUrl = (endpoint: string, of: VirtualMachineExport, volume: string, format: keyof typeof fileNames): string =>
  `${baseOf(endpoint, of)}/volumes/${volume}/${fileNames[format]}`;

/** By format: a disk, or a volume that holds files. */
const fileNames = { raw: 'disk.img', gzip: 'disk.img.gz', 'tar.gz': 'disk.tar.gz' } as const;

export interface Contents {
  /** Names of the disks. */
  volumes: readonly string[];
  /** Name of the volume that holds the state of the machine's firmware and TPM; undefined: there is none. */
  state?: string | undefined;
  /** Whether there is a definition to be had besides. */
  hasMachine: boolean;
}

/** @param endpoint `https://HOST:PORT` */
export function linkTo(endpoint: string, kind: LinkKind, of: VirtualMachineExport, cert: string, { volumes, state, hasMachine }: Contents): ExportLink {
  const base = baseOf(endpoint, of);
  return {
    cert,
    volumes: [
      ...volumes.map((name) => ({ name, formats: (['raw', 'gzip'] as const).map((format) => ({ format, url: volumeUrl(endpoint, of, name, format) })) })),
      ...(state === undefined ? [] : [{ name: state, formats: [{ format: 'tar.gz' as const, url: volumeUrl(endpoint, of, state, 'tar.gz') }] }]),
    ],
    ...(hasMachine
      ? {
          manifests: [
            { type: 'all', url: `${base}/${kind}/manifests/all` },
            { type: 'auth-header-secret', url: `${base}/${kind}/manifests/secret` },
          ],
        }
      : {}),
  };
}

const pattern = /^\/api\/export\.kubevirt\.io\/[^/]+\/namespaces\/([^/]+)\/virtualmachineexports\/([^/]+)\/(?:volumes\/([^/]+)\/disk\.(img|img\.gz|tar\.gz)|(internal|external)\/manifests\/(all|secret))$/;

/** What a path asks for; undefined when it is none of the above. */
export function parseExportPath(path: string): ExportTarget | undefined {
  const [, namespace, name, volume, ending, link, manifest] = pattern.exec(path) ?? [];
  if (namespace === undefined || name === undefined) return undefined;
  if (volume !== undefined) return { namespace, name, kind: 'volume', volume, format: ending === 'img' ? 'raw' : ending === 'img.gz' ? 'gzip' : 'tar.gz' };
  return { namespace, name, kind: 'manifest', link: link as LinkKind, manifest: manifest as 'all' | 'secret' };
}
