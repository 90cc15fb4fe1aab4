/** Secrets and ConfigMaps that a machine reads: they are backed up and restored with it. Pure. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';

export interface Need {
  kind: 'Secret' | 'ConfigMap';
  name: string;
}

/** As they are kept in a backup. */
export interface NeededObject extends KubeObject {
  kind: Need['kind'];
  type?: string;
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
  immutable?: boolean;
}

/** A place in the machine where one is named. */
interface Place extends Need {
  put(name: string): void;
}

function placesOf({ spec }: VirtualMachine): Place[] {
  const { volumes = [], accessCredentials = [] } = spec.template.spec;
  const places: Place[] = [];
  const named = (kind: Need['kind'], holder: { name: string } | undefined): void => {
    if (holder) places.push({ kind, name: holder.name, put: (name) => (holder.name = name) });
  };
  const secretNamed = (holder: { secretName: string } | undefined): void => {
    if (holder) places.push({ kind: 'Secret', name: holder.secretName, put: (name) => (holder.secretName = name) });
  };
  for (const { cloudInitNoCloud, cloudInitConfigDrive, sysprep, secret, configMap } of volumes) {
    for (const source of [cloudInitNoCloud, cloudInitConfigDrive]) {
      named('Secret', source?.secretRef);
      named('Secret', source?.networkDataSecretRef);
    }
    named('Secret', sysprep?.secret);
    named('ConfigMap', sysprep?.configMap);
    named('ConfigMap', configMap);
    secretNamed(secret);
  }
  for (const { sshPublicKey, userPassword } of accessCredentials) {
    secretNamed(sshPublicKey?.source.secret);
    secretNamed(userPassword?.source.secret);
  }
  return places;
}

const keyOf = ({ kind, name }: Need): string => `${kind}/${name}`;

/** Each once. */
export const needsOf = (machine: VirtualMachine): Need[] => [...new Map(placesOf(machine).map(({ kind, name }) => [keyOf({ kind, name }), { kind, name }])).values()];

/** Names others in the machine, in place. @param names new ones by {@link needKey} */
export function renameNeeds(machine: VirtualMachine, names: ReadonlyMap<string, string>): void {
  for (const place of placesOf(machine)) {
    const name = names.get(keyOf(place));
    if (name !== undefined) place.put(name);
  }
}

export { keyOf as needKey };

/**
 * What one machine calls what another does: the two are alike but for names.
 * @returns names in `there` by {@link needKey} of those in `here`
 */
export function namesBetween(here: VirtualMachine, there: VirtualMachine): Map<string, string> {
  const others = placesOf(there);
  return new Map(placesOf(here).map((place, index) => [keyOf(place), others[index]?.name ?? place.name]));
}

/** What of an object goes into a backup: nothing of the cluster that it was in. */
export function keptObject({ kind, name }: Need, found: NeededObject): NeededObject {
  const { metadata, type, data, binaryData, immutable } = found;
  return {
    apiVersion: 'v1',
    kind,
    metadata: { name, ...(metadata.labels ? { labels: metadata.labels } : {}) },
    ...(type === undefined ? {} : { type }),
    ...(data ? { data } : {}),
    ...(binaryData ? { binaryData } : {}),
    ...(immutable === undefined ? {} : { immutable }),
  };
}

/** Whether a guest would read the same in both. */
export function sameContent(one: NeededObject, other: NeededObject): boolean {
  const told = ({ data = {}, binaryData = {} }: NeededObject): string =>
    JSON.stringify([data, binaryData].map((values) => Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))));
  return told(one) === told(other);
}
