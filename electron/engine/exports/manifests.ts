/**
 * What imports an exported machine elsewhere when it is applied there: the machine, its disks with where they are to be
 * downloaded from, and whom to trust there. Names and shapes: KubeVirt's virt-exportserver. Pure.
 */
import type { DataVolumeSource } from '#shared/kube/cdi.ts';
import { EXPORT_TOKEN_HEADER } from '#shared/kube/export.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { OfferedVolume } from './source.ts';

const caName = (exportName: string): string => `export-ca-cm-${exportName}`;
const secretName = (exportName: string): string => `header-secret-${exportName}`;

/** What belongs to the machine here alone. */
const droppedAnnotations = /^(kubectl\.kubernetes\.io\/last-applied|restore\.kubevirt\.io\/|hayloft\.io\/(?!description$|host-shutdown$)|kubevirt\.io\/latest-observed)/;

/** The Secret that CDI adds to its requests. */
export const headerSecret = (exportName: string, token: string): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: secretName(exportName) },
  stringData: { token: `${EXPORT_TOKEN_HEADER}:${token}` },
});

export interface ManifestInput {
  exportName: string;
  ca: string;
  machine: Pick<VirtualMachine, 'metadata' | 'spec'>;
  volumes: readonly OfferedVolume[];
  urlOf: (volume: string) => string;
}

/** No namespace is named, nor a storage class: those are of the cluster that it is applied to. */
export function manifestsOf({ exportName, ca, machine, volumes, urlOf }: ManifestInput): object[] {
  const source = (name: string): DataVolumeSource => ({
    http: { url: urlOf(name), certConfigMap: caName(exportName), secretExtraHeaders: [secretName(exportName)] },
  });
  const offered = new Set(volumes.map(({ name }) => name));
  const templates = machine.spec.dataVolumeTemplates?.map((template) => {
    const { name = '' } = template.metadata;
    if (!offered.has(name)) return template;
    const { spec } = structuredClone(template);
    delete spec.storage?.storageClassName;
    delete spec.pvc?.storageClassName;
    delete (spec as { sourceRef?: unknown }).sourceRef;
    return { metadata: plain(template.metadata), spec: { ...spec, source: source(name) } };
  });
  const templated = new Set(templates?.map(({ metadata }) => metadata.name));
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: caName(exportName) }, data: { 'ca.pem': ca } },
    {
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachine',
      metadata: plain(machine.metadata),
      spec: { ...machine.spec, ...(templates ? { dataVolumeTemplates: templates } : {}) },
    },
    ...volumes
      .filter(({ name }) => !templated.has(name))
      .map(({ name, claim }) => ({
        apiVersion: 'cdi.kubevirt.io/v1beta1',
        kind: 'DataVolume',
        metadata: { name },
        spec: {
          source: source(name),
          storage: {
            ...(claim.spec.accessModes ? { accessModes: claim.spec.accessModes } : {}),
            ...(claim.spec.volumeMode ? { volumeMode: claim.spec.volumeMode } : {}),
            ...(claim.spec.resources ? { resources: claim.spec.resources } : {}),
          },
        },
      })),
  ];
}

function plain({ name, labels, annotations }: KubeObject['metadata']): KubeObject['metadata'] {
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !droppedAnnotations.test(key));
  return { ...(name === undefined ? {} : { name }), ...(labels ? { labels } : {}), ...(kept.length > 0 ? { annotations: Object.fromEntries(kept) } : {}) };
}
