/** What an export's manifests hold. Pure. */
import { parseAllDocuments, stringify } from 'yaml';
import { HayloftError } from '#shared/contract/errors.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { claimsOf } from '../machine-actions/usage.ts';
import type { NeededObject } from './needs.ts';

export interface Manifests {
  machine: VirtualMachine;
  /** Those beside the machine's own templates. */
  volumes: DataVolume[];
  /** Names of all claims that the machine has. */
  claims: string[];
}

/** @throws HayloftError `truncated` where there is no machine in it */
export function readManifests(text: string): Manifests {
  const objects = documentsIn(text);
  const machine = objects.find(({ kind }) => kind === 'VirtualMachine') as VirtualMachine | undefined;
  if (!machine) throw damaged(undefined);
  return { machine, volumes: objects.filter(({ kind }) => kind === 'DataVolume') as DataVolume[], claims: claimsOf(machine) };
}

function documentsIn(text: string): KubeObject[] {
  return parseAllDocuments(text).flatMap((document): KubeObject[] => {
    if ('errors' in document && document.errors.length > 0) throw damaged(document.errors[0]);
    const object = ('toJS' in document ? document.toJS() : undefined) as KubeObject | KubeList | null | undefined;
    if (!object) return [];
    return 'items' in object ? object.items : [object];
  });
}

/** The Secrets and ConfigMaps of a backup. */
export const readObjects = (text: string): NeededObject[] => documentsIn(text) as NeededObject[];

export const writeObjects = (objects: readonly NeededObject[]): string => objects.map((object) => `${stringify(object)}---\n`).join('');

/**
 * The claim that an export's volume is of. KubeVirt names what it makes of a snapshot for the export and the claim.
 * @param claims names of the machine's claims
 */
export function claimOf(volume: string, claims: readonly string[]): string {
  if (claims.includes(volume)) return volume;
  const longest = claims.filter((claim) => volume.endsWith(`-${claim}`)).sort((a, b) => b.length - a.length)[0];
  return longest ?? volume;
}

const damaged = (cause: unknown): HayloftError =>
  new HayloftError('truncated', 'There is no machine in the manifests of this backup: the file is damaged.', { hint: 'Use another backup.', field: 'folder', cause });
