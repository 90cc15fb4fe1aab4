/** Reading and writing a machine's whole definition. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { pathOf, virtualMachineInstances, virtualMachines } from '../clusters/kinds.ts';
import { kindSchema, type OpenApiDocument } from './kind-schema.ts';

type ManifestCalls = Pick<CallHandlers, 'manifests.get' | 'manifests.put' | 'manifests.schema'>;

const kinds = { VirtualMachine: virtualMachines, VirtualMachineInstance: virtualMachineInstances };

export function manifestCalls(clusters: Clusters): ManifestCalls {
  return {
    'manifests.get': async ({ which, clusterId, namespace, name }) => {
      const client = await clusters.get(clusterId).client();
      return { json: JSON.stringify(await client.call('GET', pathOf(kinds[which], namespace, name))) };
    },
    'manifests.put': async ({ json, dryRun, clusterId, namespace, name }) => {
      const object = readObject(json);
      if (object.metadata.name !== name || (object.metadata.namespace ?? namespace) !== namespace) {
        throw new HayloftError('bad-input', 'A machine keeps its name and its namespace.', { hint: 'Clone it to have it under another name.', field: 'metadata.name' });
      }
      if (!object.metadata.resourceVersion) {
        throw new HayloftError('bad-input', 'metadata.resourceVersion is missing.', { hint: 'It tells what was there when you began; load the definition anew.', field: 'metadata.resourceVersion' });
      }
      const client = await clusters.get(clusterId).client();
      // Fields that the cluster does not know are refused rather than dropped; older clusters ignore the parameter.
      const query = `?fieldManager=hayloft&fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`;
      return { json: JSON.stringify(await client.call('PUT', `${pathOf(virtualMachines, namespace, name)}${query}`, { body: object })) };
    },
    'manifests.schema': async ({ clusterId, which }) => {
      const client = await clusters.get(clusterId).client();
      const index = await client.call<{ paths?: Record<string, { serverRelativeURL?: string }> }>('GET', '/openapi/v3');
      const address = index.paths?.['apis/kubevirt.io/v1']?.serverRelativeURL;
      if (address === undefined) throw new HayloftError('unsupported', 'This cluster does not describe its kinds (OpenAPI v3).');
      const { root, schemas } = kindSchema(await client.call<OpenApiDocument>('GET', address), { group: 'kubevirt.io', version: 'v1', kind: which });
      return { root, json: JSON.stringify(schemas) };
    },
  };
}

function readObject(json: string): KubeObject {
  const value = JSON.parse(json) as Partial<KubeObject> | null;
  if (value?.kind !== 'VirtualMachine' || typeof value.metadata !== 'object') {
    throw new HayloftError('bad-input', 'This is not the definition of a virtual machine.', { hint: 'Its kind is VirtualMachine.', field: 'kind' });
  }
  return value as KubeObject;
}
