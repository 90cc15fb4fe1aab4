import { isDeepStrictEqual } from 'node:util';
import { EXPORT_VERSIONS, type VirtualMachineExport } from '#shared/kube/export.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import { invalid } from '../api/errors.ts';
import { durationPattern } from '../api/representation/go-duration.ts';
import { array, object, string, time } from '../api/schema.ts';
import { checkReference, conditionsSchema, immutableSpec, reference } from '../snapshots/definitions/parts.ts';

const link = object({
  cert: string(),
  volumes: array(object({ name: string(), formats: array(object({ format: string(), url: string() }), { mergeKey: 'format' }) }), { mergeKey: 'name' }),
  manifests: array(object({ type: string(), url: string() }), { mergeKey: 'type' }),
});

/** Makes disks, and the machine that they belong to, available for download. */
export const virtualMachineExports: ResourceDefinition<VirtualMachineExport> = {
  group: 'export.kubevirt.io',
  version: 'v1beta1',
  kind: 'VirtualMachineExport',
  plural: 'virtualmachineexports',
  singular: 'virtualmachineexport',
  shortNames: ['vmexport', 'vmexports'],
  categories: ['all'],
  namespaced: true,
  statusSubresource: true,
  schema: object(
    {
      spec: object(
        {
          source: reference('A VirtualMachine that is off, a VirtualMachineSnapshot, or a PersistentVolumeClaim that no machine uses.'),
          tokenSecretRef: string({ description: 'A Secret whose "token" opens the downloads. Without it, one is made.' }),
          ttlDuration: string({ pattern: durationPattern, description: 'How long it lasts, like 2h0m0s, which is the default.' }),
        },
        { required: ['source'] },
      ),
      status: object({
        phase: string(),
        links: object({ internal: link, external: link }),
        tokenSecretRef: string(),
        ttlExpirationTime: time(),
        virtualMachineName: string(),
        serviceName: string(),
        conditions: conditionsSchema,
      }),
    },
    { required: ['spec'] },
  ),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'SourceKind', type: 'string', value: ({ spec }) => spec.source.kind },
    { name: 'SourceName', type: 'string', value: ({ spec }) => spec.source.name },
    { name: 'Phase', type: 'string', value: ({ status }) => status?.phase },
  ],
  admit: ({ object: next, old }) => {
    const causes = checkReference('spec.source', next.spec.source, [
      'kubevirt.io/VirtualMachine',
      'snapshot.kubevirt.io/VirtualMachineSnapshot',
      '/PersistentVolumeClaim',
    ]);
    if (old && !isDeepStrictEqual(old.spec, next.spec)) causes.push(immutableSpec);
    if (causes.length > 0) throw invalid(virtualMachineExports, next.metadata.name ?? '', causes);
  },
};

/** Of one shape in all versions: KubeVirt 1.8 and before serve v1alpha1 and v1beta1, later ones v1beta1 and v1. */
export const exportVersions: readonly ResourceDefinition<VirtualMachineExport>[] = [
  virtualMachineExports,
  ...EXPORT_VERSIONS.filter((version) => version !== virtualMachineExports.version).map((version) => ({ ...virtualMachineExports, version })),
];
