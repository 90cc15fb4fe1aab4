/** Exports: a token for each, its links while its disks may be read, and its end. Words: KubeVirt's pkg/storage/export. */
import { randomInt } from 'node:crypto';
import type { VirtualMachineExport } from '#shared/kube/export.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { createController, related, type Controller, type Key, type ReconcileResult } from '../controller.ts';
import { secrets } from '../core/secret.ts';
import { durationMs } from '../api/representation/go-duration.ts';
import { persistentVolumeClaims } from '../disks/definitions/persistent-volume-claim.ts';
import { virtualMachineInstances } from '../machines/definitions/virtual-machine-instance.ts';
import { virtualMachines } from '../machines/definitions/virtual-machine.ts';
import { withCondition } from '../snapshots/parts.ts';
import { setCondition } from '../machines/guests.ts';
import { virtualMachineSnapshots } from '../snapshots/definitions/virtual-machine-snapshot.ts';
import { timestamp } from '../store/keys.ts';
import { virtualMachineExports } from './definition.ts';
import { expanded } from './expanded.ts';
import { linkTo } from './links.ts';
import type { ExportParts } from './routes.ts';
import { offerOf, type Offer } from './source.ts';
import { hasState, stateVolume } from './state/machine-state.ts';

/** As long as KubeVirt's. */
const defaultTtlMs = 2 * 3_600_000;
const tokenLength = 20;
const tokenLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function controlExports(parts: ExportParts): Controller {
  const { resources, downloads } = parts;
  const uids = new Map<string, string>();
  const inNamespace = ({ object: { metadata } }: { object: KubeObject }): Key[] =>
    resources.list(virtualMachineExports, { namespace: metadata.namespace ?? '' }).map((item) => ({ namespace: item.metadata.namespace, name: item.metadata.name ?? '' }));
  return createController(parts, {
    of: virtualMachineExports,
    related: [
      related({ of: persistentVolumeClaims, keys: inNamespace }),
      related({ of: virtualMachines, keys: inNamespace }),
      related({ of: virtualMachineInstances, keys: inNamespace }),
      related({ of: virtualMachineSnapshots, keys: inNamespace }),
    ],
    reconcile: ({ namespace, name }) => {
      const id = `${namespace ?? ''}/${name}`;
      const found = resources.get(virtualMachineExports, namespace, name);
      const uid = found?.metadata.uid;
      const before = uids.get(id);
      if (before !== undefined && before !== uid) downloads.end(before);
      if (!found || uid === undefined || found.metadata.deletionTimestamp !== undefined) {
        uids.delete(id);
        return undefined;
      }
      uids.set(id, uid);
      return bring(parts, found);
    },
  });
}

function bring(parts: ExportParts, found: VirtualMachineExport): ReconcileResult {
  const { resources, downloads, context, reach } = parts;
  const { namespace, name = '', uid = '' } = found.metadata;
  const endsAt = Date.parse(found.metadata.creationTimestamp ?? '') + (found.spec.ttlDuration === undefined ? defaultTtlMs : durationMs(found.spec.ttlDuration));
  const left = endsAt - Date.now();
  if (left <= 0) {
    parts.events.record(found, 'Normal', 'ExportExpired', 'The export’s time is over.');
    resources.delete(virtualMachineExports, namespace, name);
    return undefined;
  }
  const { url, ca } = reach();
  const offer = offerOf(parts, found);
  // Whoever reads a disk while it is written to gets something that never was.
  if (offer.waiting) downloads.end(uid);
  const tokenSecretRef = ensureToken(parts, found, offer);
  resources.changeStatus(virtualMachineExports, namespace, name, (draft) => {
    if (draft.metadata.uid !== uid) return;
    const status = (draft.status ??= {});
    status.ttlExpirationTime = timestamp(new Date(endsAt));
    if (tokenSecretRef !== undefined) status.tokenSecretRef = tokenSecretRef;
    if (offer.machineName !== undefined) status.virtualMachineName = offer.machineName;
    describe(status, offer, found.spec.source.kind);
    const volumes = offer.volumes.map((volume) => volume.name);
    const contents = { volumes, state: stateOf(parts, offer, namespace), hasMachine: offer.machine !== undefined };
    if (offer.waiting) status.links = {};
    else {
      status.links = {
        internal: linkTo(context.endpoint, 'internal', found, ca, contents),
        external: linkTo(url, 'external', found, ca, contents),
      };
    }
  });
  return { requeueAfterMs: left };
}

/** Name of the volume that holds what the machine's firmware and TPM remember, where they do. */
function stateOf({ resources, keptDir, log }: ExportParts, { machine, waiting }: Offer, namespace: string | undefined): string | undefined {
  if (!machine || waiting) return undefined;
  try {
    return hasState(keptDir, expanded(resources, machine, namespace)) ? stateVolume(machine.metadata.name ?? '') : undefined;
  } catch (error) {
    // Its instancetype is gone: whoever asks for the manifests is told so.
    log.warn('An export goes without the state of its machine’s firmware', { name: machine.metadata.name ?? '', error: String(error) });
    return undefined;
  }
}

function describe(status: NonNullable<VirtualMachineExport['status']>, { waiting, isEmpty }: Offer, kind: string): void {
  status.phase = isEmpty ? 'Skipped' : waiting ? 'Pending' : 'Ready';
  // KubeVirt's word; the pod is the engine itself.
  const ready = waiting ? { status: 'False' as const, ...waiting } : { status: 'True' as const, reason: 'PodReady', message: '' };
  status.conditions = setCondition(status.conditions ?? [], 'Ready', ready, timestamp());
  const missing = waiting !== undefined && waiting.reason !== 'InUse';
  if (kind === 'VirtualMachineSnapshot') status.conditions = withCondition(status.conditions, 'VolumesCreated', missing ? 'False' : 'True', missing ? waiting.reason : 'AllPVCsReady');
  else status.conditions = withCondition(status.conditions, 'PVCReady', missing ? 'False' : 'True', missing ? waiting.reason : 'PVCBound');
}

/** One that was named is its owner's to make; else there is one as soon as there is something to download. */
function ensureToken({ resources, events }: ExportParts, found: VirtualMachineExport, offer: Offer): string | undefined {
  if (found.spec.tokenSecretRef !== undefined) return found.spec.tokenSecretRef;
  if (offer.waiting) return found.status?.tokenSecretRef;
  const { namespace, name = '', uid = '' } = found.metadata;
  const secretName = `export-token-${name}`;
  if (resources.get(secrets, namespace, secretName)) return secretName;
  const token = Array.from({ length: tokenLength }, () => tokenLetters[randomInt(tokenLetters.length)]).join('');
  resources.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretName,
      ...(namespace === undefined ? {} : { namespace }),
      ownerReferences: [{ apiVersion: found.apiVersion, kind: found.kind, name, uid, controller: true, blockOwnerDeletion: true }],
    },
    type: 'Opaque',
    data: { token: Buffer.from(token).toString('base64') },
  });
  events.record(found, 'Normal', 'SecretCreated', `Created default secret ${namespace ?? ''}/${secretName}`);
  return secretName;
}
