/** Harvester's images as the app shows images. Pure. */
import type { Image } from '#shared/contract/images.ts';
import { refKey } from '#shared/contract/machines.ts';
import { CLAIM_TEMPLATES_ANNOTATION, IMAGE_ID_ANNOTATION, IMAGE_TYPE_LABEL, type VirtualMachineImage, type VolumeClaimTemplate } from '#shared/kube/harvester.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import { aboutOf, originOf } from '../images/about/image-about.ts';
import { timeOf } from '../machines/machine-row.ts';

export function harvesterImageRow(clusterId: string, image: VirtualMachineImage, machines: Iterable<VirtualMachine>): Image {
  const { metadata, spec, status = {} } = image;
  const ref = { clusterId, namespace: metadata.namespace ?? '', name: metadata.name ?? '' };
  const state = stateOf(image);
  const size = status.size ?? status.virtualSize;
  const reason = state === 'failed' ? findCondition(status.conditions, 'Imported')?.message : undefined;
  const about = aboutOf(metadata.annotations);
  const id = `${ref.namespace}/${ref.name}`;
  return {
    ...ref,
    key: refKey(ref),
    displayName: spec.displayName,
    kind: isIso(image) ? 'iso' : 'disk',
    ...(size ? { sizeBytes: size } : {}),
    state,
    ...(state === 'ready' || state === 'failed' || status.progress === undefined ? {} : { progress: status.progress / 100 }),
    ...(reason ? { reason } : {}),
    ...(about ? { about } : {}),
    ...originOf(metadata.annotations ?? {}),
    created: timeOf(metadata.creationTimestamp) ?? 0,
    usedBy: [...machines].filter((vm) => imageIdsOf(vm).includes(id)).map((vm) => vm.metadata.name ?? ''),
  };
}

/** `namespace/name` of the images that a machine's disks were made from. */
export function imageIdsOf({ metadata }: VirtualMachine): string[] {
  const text = metadata.annotations?.[CLAIM_TEMPLATES_ANNOTATION];
  if (text === undefined) return [];
  try {
    return (JSON.parse(text) as VolumeClaimTemplate[]).flatMap((template) => template.metadata.annotations?.[IMAGE_ID_ANNOTATION] ?? []);
  } catch {
    // Written by somebody's hand, and no list: nothing can be read from it.
    return [];
  }
}

/** Its interface tells by the name's ending, too. */
const isIso = ({ metadata, spec }: VirtualMachineImage): boolean =>
  metadata.labels?.[IMAGE_TYPE_LABEL] === 'iso' || /\.iso$/i.test(spec.displayName) || /\.iso$/i.test(spec.url ?? '');

function stateOf({ spec, status }: VirtualMachineImage): Image['state'] {
  const is = (type: string, wanted: string): boolean => findCondition(status?.conditions, type)?.status === wanted;
  if (is('RetryLimitExceeded', 'True') || is('Imported', 'False') || is('BackingImageMissing', 'True')) return 'failed';
  if (is('Imported', 'True')) return 'ready';
  return spec.sourceType === 'upload' ? 'uploading' : 'importing';
}
