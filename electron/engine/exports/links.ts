/** Where an export is downloaded. Paths: KubeVirt's pkg/storage/export/export/links.go. Pure. */
import type { ExportLink, VirtualMachineExport } from '#shared/kube/export.ts';

/** All downloads are below it. On a cluster it is the export proxy's. */
export const EXPORT_PREFIX = '/api/export.kubevirt.io/v1beta1/namespaces/';

export type LinkKind = 'internal' | 'external';

export type ExportTarget = { namespace: string; name: string } & (
  | { kind: 'volume'; volume: string; format: 'raw' | 'gzip' }
  | { kind: 'manifest'; link: LinkKind; manifest: 'all' | 'secret' }
);

const baseOf = (endpoint: string, { metadata }: VirtualMachineExport): string =>
  `${endpoint}${EXPORT_PREFIX}${metadata.namespace ?? ''}/virtualmachineexports/${metadata.name ?? ''}`;

export const volumeUrl = (endpoint: string, of: VirtualMachineExport, volume: string, format: 'raw' | 'gzip'): string =>
  `${baseOf(endpoint, of)}/volumes/${volume}/disk.img${format === 'gzip' ? '.gz' : ''}`;

/**
 * @param endpoint `https://HOST:PORT`
 * @param hasMachine whether there is a definition to be had besides the disks
 */
export function linkTo(endpoint: string, kind: LinkKind, of: VirtualMachineExport, volumes: readonly string[], cert: string, hasMachine: boolean): ExportLink {
  const base = baseOf(endpoint, of);
  return {
    cert,
    volumes: volumes.map((name) => ({
      name,
      formats: (['raw', 'gzip'] as const).map((format) => ({ format, url: volumeUrl(endpoint, of, name, format) })),
    })),
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

const pattern = /^([^/]+)\/virtualmachineexports\/([^/]+)\/(?:volumes\/([^/]+)\/disk\.img(\.gz)?|(internal|external)\/manifests\/(all|secret))$/;

/** What a path asks for; undefined when it is none of the above. */
export function parseExportPath(path: string): ExportTarget | undefined {
  if (!path.startsWith(EXPORT_PREFIX)) return undefined;
  const [, namespace, name, volume, gz, link, manifest] = pattern.exec(path.slice(EXPORT_PREFIX.length)) ?? [];
  if (namespace === undefined || name === undefined) return undefined;
  if (volume !== undefined) return { namespace, name, kind: 'volume', volume, format: gz === undefined ? 'raw' : 'gzip' };
  return { namespace, name, kind: 'manifest', link: link as LinkKind, manifest: manifest as 'all' | 'secret' };
}
