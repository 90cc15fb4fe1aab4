/** Deleting an object that may be gone already. */
import { asHayloftError } from '#shared/contract/errors.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { pathOf, type Kind } from '../clusters/kinds.ts';

/** @throws HayloftError unless it is gone, or never was */
export async function remove(client: ApiClient, kind: Kind<KubeObject>, namespace: string, name: string): Promise<void> {
  try {
    await client.call('DELETE', pathOf(kind, namespace, name));
  } catch (error) {
    if (asHayloftError(error).code !== 'not-found') throw error;
  }
}
