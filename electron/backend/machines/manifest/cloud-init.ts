/** The disc with settings for the guest that a filled-in form stands for, and the Secret behind it. */
import { mostInlineBytes } from '#shared/cloud-init/check.ts';
import { holdsSecrets } from '#shared/cloud-init/secrets.ts';
import type { NewMachine } from '#shared/contract/new-machine.ts';
import type { Secret } from '#shared/kube/core.ts';
import type { Disk, Volume } from '#shared/kube/kubevirt.ts';

export interface CloudInitParts {
  disks: Disk[];
  volumes: Volume[];
  /** To be owned by the machine. */
  secret?: Secret;
}

export function cloudInitOf({ name, namespace, userData }: NewMachine): CloudInitParts {
  if (userData === undefined) return { disks: [], volumes: [] };
  const disks: Disk[] = [{ name: 'cloud-init', disk: { bus: 'virtio' } }];
  if (Buffer.byteLength(userData) <= mostInlineBytes && !holdsSecrets(userData)) {
    return { disks, volumes: [{ name: 'cloud-init', cloudInitNoCloud: { userData } }] };
  }
  const secretName = `${name}-cloud-init`;
  return {
    disks,
    volumes: [{ name: 'cloud-init', cloudInitNoCloud: { secretRef: { name: secretName } } }],
    secret: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secretName, namespace },
      type: 'Opaque',
      stringData: { userdata: userData },
    },
  };
}
