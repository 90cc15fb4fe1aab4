/** The restored machine: its spec as it was, with the names of the restored disks. Pure. */
import type { VirtualMachine, Volume } from '#shared/kube/kubevirt.ts';
import { runStrategyOf } from '#shared/kube/machine-status.ts';
import type { VirtualMachineRestore, VirtualMachineSnapshotContent, VolumeRestore } from '#shared/kube/snapshot.ts';
import type { Json } from '../../api/http/json.ts';
import { jsonPatch } from '../../api/patch/json-patch.ts';
import { LAST_RESTORE_ANNOTATION, restoreMark } from './volumes.ts';

/**
 * @param target the machine as it is; undefined when it is to be made, which is then off
 * @throws ApiError when a patch cannot be applied
 */
export function restoredMachine(restore: VirtualMachineRestore, content: VirtualMachineSnapshotContent, target: VirtualMachine | undefined): VirtualMachine {
  const source = content.spec.source.virtualMachine;
  if (!source) throw new Error('unexpected snapshot source');
  const restores = restore.status?.restores ?? [];
  const spec = structuredClone(source.spec);
  const volumes = spec.template.spec.volumes?.map((volume) => restoredVolume(volume, restores));
  if (volumes) spec.template.spec.volumes = volumes;
  const names = new Map(renames(source.spec.template.spec.volumes ?? [], restores));
  const templates = spec.dataVolumeTemplates?.map((template) => {
    const name = names.get(template.metadata.name ?? '');
    return name === undefined ? template : { ...template, metadata: { ...template.metadata, name } };
  });
  if (templates) spec.dataVolumeTemplates = templates;

  const mark = { [LAST_RESTORE_ANNOTATION]: restoreMark(restore) };
  if (target) {
    if (target.spec.running !== undefined) {
      spec.running = false;
      delete spec.runStrategy;
    } else {
      spec.runStrategy = runStrategyOf(target);
      delete spec.running;
    }
    return { ...target, metadata: { ...target.metadata, annotations: { ...target.metadata.annotations, ...mark } }, spec };
  }
  if (spec.running !== undefined) spec.running = false;
  else spec.runStrategy = 'Halted';
  const { namespace } = restore.metadata;
  const made: VirtualMachine = {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: {
      name: restore.spec.target.name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(source.metadata.labels ? { labels: source.metadata.labels } : {}),
      annotations: { ...source.metadata.annotations, ...mark },
    },
    spec,
  };
  const patches = restore.spec.patches ?? [];
  if (patches.length === 0) return made;
  const operations = patches.map((text) => JSON.parse(text) as Json);
  return jsonPatch(structuredClone(made) as unknown as Json, operations) as unknown as VirtualMachine;
}

function restoredVolume(volume: Volume, restores: readonly VolumeRestore[]): Volume {
  const restored = restores.find(({ volumeName }) => volumeName === volume.name);
  if (!restored) return volume;
  if (volume.dataVolume && restored.dataVolumeName !== undefined) return { ...volume, dataVolume: { ...volume.dataVolume, name: restored.dataVolumeName } };
  const claimed: Volume = { ...volume, persistentVolumeClaim: { ...volume.persistentVolumeClaim, claimName: restored.persistentVolumeClaim } };
  delete claimed.dataVolume;
  return claimed;
}

/** Old and new names of the DataVolumes that belong to the machine's templates. */
const renames = (volumes: readonly Volume[], restores: readonly VolumeRestore[]): [string, string][] =>
  restores.flatMap(({ volumeName, dataVolumeName }) => {
    const old = volumes.find(({ name }) => name === volumeName)?.dataVolume?.name;
    return old === undefined || dataVolumeName === undefined ? [] : [[old, dataVolumeName] as [string, string]];
  });
