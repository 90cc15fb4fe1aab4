/**
 * What a machine's types said when it began to use them: ControllerRevisions named in its status, as on a KubeVirt
 * cluster (pkg/instancetype/revision). Later changes of the types leave the machine as it is.
 */
import type { TypeRef } from '#shared/kube/instancetype.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { OwnerReference } from '#shared/kube/object.ts';
import { apiVersionOf } from '../api/definition.ts';
import { virtualMachines } from '../machines/definitions/virtual-machine.ts';
import type { Resources } from '../store/resources.ts';
import { controllerRevisions } from './definitions.ts';
import { isOf, kindOf, roles, type Role } from './find.ts';

/** Keeps what the machine uses now and is not kept yet. What cannot be found is told where it is needed. */
export function keepTypes(resources: Resources, vm: VirtualMachine, owner: OwnerReference): void {
  for (const role of ['instancetype', 'preference'] as const) keepOne(resources, vm, role, owner);
}

function keepOne(resources: Resources, vm: VirtualMachine, role: Role, owner: OwnerReference): void {
  const { namespace, name = '', uid = '' } = vm.metadata;
  const matcher = vm.spec[role];
  const field = roles[role].ref;
  const before = vm.status?.[field];
  const definition = matcher && kindOf(role, matcher);
  if (!matcher || !definition) {
    if (before) resources.changeStatus(virtualMachines, namespace, name, (draft) => delete draft.status?.[field]);
    return;
  }
  const kept = before && isOf(matcher, definition, before) ? before.controllerRevisionRef?.name : undefined;
  if (kept !== undefined && (matcher.revisionName === undefined || matcher.revisionName === kept)) return;
  const revisionName = matcher.revisionName ?? keep(matcher.name ?? '', definition);
  if (revisionName === undefined) return;
  const ref: TypeRef = {
    ...(matcher.name === undefined ? {} : { name: matcher.name }),
    kind: definition.kind,
    controllerRevisionRef: { name: revisionName },
  };
  resources.changeStatus(virtualMachines, namespace, name, (draft) => ((draft.status ??= {})[field] = ref));

  function keep(typed: string, of: NonNullable<ReturnType<typeof kindOf>>): string | undefined {
    const object = resources.get(of, of.namespaced ? namespace : undefined, typed);
    if (!object) return undefined;
    const { metadata, spec } = object;
    // Its revision, for an object that changed is another. Long names are cut: an object's name has 253 characters at most.
    const typeName = (metadata.name ?? '').slice(0, 100).replace(/[-.]+$/, '');
    const title = [name, typeName, of.version, metadata.uid, metadata.resourceVersion].join('-');
    const existing = resources.get(controllerRevisions, namespace, title);
    // Another machine of this name may have left one of the same name behind, which goes with it.
    if (existing?.metadata.ownerReferences?.some((other) => other.uid === uid)) return title;
    if (existing) return undefined;
    resources.create(controllerRevisions, {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: { name: title, ...(namespace === undefined ? {} : { namespace }), ownerReferences: [owner] },
      data: { apiVersion: apiVersionOf(of), kind: of.kind, metadata: { name: metadata.name, uid: metadata.uid }, spec },
      revision: 0,
    });
    return title;
  }
}
