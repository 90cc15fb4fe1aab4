/** The VirtualMachine that a filled-in form stands for. */
import type { NewMachine } from '#shared/contract/new-machine.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { DESCRIPTION_ANNOTATION } from '#shared/kube/labels.ts';
import { formatBytesQuantity } from '#shared/kube/quantities.ts';
import { cloudInitOf } from './cloud-init.ts';
import { disksOf } from './disks.ts';
import { firmwareOf } from './firmware.ts';
import { networksOf } from './networks.ts';

export function machineManifest(form: NewMachine): VirtualMachine {
  const { disks, volumes, dataVolumeTemplates } = disksOf(form);
  const { devices, networks } = networksOf(form);
  const { tpm, ...firmware } = firmwareOf(form);
  const seed = cloudInitOf(form);
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: {
      name: form.name,
      namespace: form.namespace,
      ...(form.description ? { annotations: { [DESCRIPTION_ANNOTATION]: form.description } } : {}),
    },
    spec: {
      runStrategy: form.runStrategy,
      ...typesOf(form),
      ...(dataVolumeTemplates.length === 0 ? {} : { dataVolumeTemplates }),
      template: {
        spec: {
          domain: {
            // KubeVirt refuses what an instancetype gives already.
            ...(form.instancetype === undefined
              ? { cpu: { cores: form.cores }, memory: { guest: formatBytesQuantity(form.memoryBytes) } }
              : {}),
            ...firmware,
            devices: { disks: [...disks, ...seed.disks], ...devices, ...(tpm ? { tpm } : {}), rng: {} },
          },
          ...(networks.length === 0 ? {} : { networks }),
          volumes: [...volumes, ...seed.volumes],
        },
      },
    },
  };
}

const typesOf = ({ instancetype, preference }: NewMachine): Pick<VirtualMachine['spec'], 'instancetype' | 'preference'> => ({
  ...(instancetype === undefined ? {} : { instancetype: { kind: 'VirtualMachineClusterInstancetype', name: instancetype } }),
  ...(preference === undefined ? {} : { preference: { kind: 'VirtualMachineClusterPreference', name: preference } }),
});
