/** The kinds of instancetypes and preferences, and what of them the engine honours. KubeVirt: api/instancetype/v1beta1. */
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { ControllerRevision, Instancetype, Preference } from '#shared/kube/instancetype.ts';
import type { KubeObject, StatusCause } from '#shared/kube/object.ts';
import { isDeepStrictEqual } from 'node:util';
import type { ResourceDefinition } from '../api/definition.ts';
import { invalid } from '../api/errors.ts';
import { any, integer, map, object, quantity, string, unsupported, type ObjectSchema } from '../api/schema.ts';
import { preferenceSpec } from './preference-schema.ts';

const inferred = 'name the type itself: volumes are not asked for one';

/** `spec.instancetype` or `spec.preference` of a machine. */
export const typeMatcher = (description: string): ObjectSchema =>
  object(
    {
      name: string(),
      kind: string({ description: 'The cluster’s kind when not given.' }),
      revisionName: string({ description: 'A ControllerRevision that keeps it as it was.' }),
      inferFromVolume: unsupported(inferred),
      inferFromVolumeFailurePolicy: unsupported(inferred),
    },
    { description },
  );

const shared = 'processors are shared by all machines';
const passthrough = 'devices of the host are not handed to guests here';
const oneHost = 'the engine runs on one computer: there is nowhere else to place a machine';

const instancetypeSpec = object(
  {
    annotations: map(string(), { description: 'Of the instance.' }),
    cpu: object(
      {
        guest: integer({ minimum: 1, description: 'Processors that the guest sees.' }),
        model: string({ pattern: '[\\w.-]+' }),
        dedicatedCPUPlacement: unsupported(shared),
        isolateEmulatorThread: unsupported(shared),
        maxSockets: unsupported('processors cannot be added while a machine runs'),
        numa: unsupported('memory is not placed'),
        realtime: unsupported(shared),
      },
      { required: ['guest'] },
    ),
    memory: object(
      {
        guest: quantity({ description: 'What the guest sees.' }),
        overcommitPercent: integer({ minimum: 0, maximum: 100, description: 'How much less of it is asked of a cluster’s node. Here none is set aside.' }),
        hugepages: unsupported('memory comes in ordinary pages'),
        maxGuest: unsupported('memory cannot be added while a machine runs'),
      },
      { required: ['guest'] },
    ),
    ioThreadsPolicy: string({ enum: ['shared', 'auto'] }),
    ioThreads: unsupported('a disk is served by one thread'),
    gpus: unsupported(passthrough),
    hostDevices: unsupported(passthrough),
    launchSecurity: unsupported('memory is not encrypted'),
    nodeSelector: unsupported(oneHost),
    schedulerName: unsupported(oneHost),
  },
  { required: ['cpu', 'memory'] },
);

const group = 'instancetype.kubevirt.io';
const version = 'v1beta1';

const instancetypeKind = (kind: string, namespaced: boolean, shortNames: string[]): ResourceDefinition<Instancetype> => {
  const definition: ResourceDefinition<Instancetype> = {
    ...named(kind, namespaced, shortNames),
    schema: object({ spec: instancetypeSpec }, { required: ['spec'] }),
    admit: ({ object: next }) => {
      const causes: StatusCause[] = [];
      if ((parseQuantity(next.spec.memory.guest) ?? 0) <= 0) causes.push(fault('spec.memory.guest', 'it must be more than nothing'));
      if (causes.length > 0) throw invalid(definition, next.metadata.name ?? '', causes);
    },
  };
  return definition;
};

const preferenceKind = (kind: string, namespaced: boolean, shortNames: string[]): ResourceDefinition<Preference> => ({
  ...named(kind, namespaced, shortNames),
  schema: object({ spec: preferenceSpec }, { required: ['spec'] }),
});

function named(kind: string, namespaced: boolean, shortNames: string[]): Omit<ResourceDefinition, 'schema' | 'admit' | 'answer' | 'columns'> {
  const singular = kind.toLowerCase();
  return { group, version, kind, plural: `${singular}s`, singular, shortNames, categories: ['all'], namespaced, statusSubresource: false };
}

const fault = (field: string, message: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message: `Invalid value: ${message}` });

export const instancetypes = instancetypeKind('VirtualMachineInstancetype', true, ['vminstancetype', 'vminstancetypes', 'vmf', 'vmfs']);
export const clusterInstancetypes = instancetypeKind('VirtualMachineClusterInstancetype', false, ['vmclusterinstancetype', 'vmclusterinstancetypes', 'vmcf', 'vmcfs']);
export const preferences = preferenceKind('VirtualMachinePreference', true, ['vmpref', 'vmprefs', 'vmp', 'vmps']);
export const clusterPreferences = preferenceKind('VirtualMachineClusterPreference', false, ['vmcp', 'vmcps']);

/** What an instancetype or preference said when a machine began to use it. */
export const controllerRevisions: ResourceDefinition<ControllerRevision & KubeObject> = {
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  namespaced: true,
  statusSubresource: false,
  schema: object({ data: any(), revision: integer() }, { required: ['revision'] }),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'Controller', type: 'string', value: ({ metadata }) => metadata.ownerReferences?.find(({ controller }) => controller === true)?.name },
    { name: 'Revision', type: 'integer', value: ({ revision }) => revision },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  admit: ({ object: next, old }) => {
    if (old && !isDeepStrictEqual(old.data, next.data)) {
      throw invalid(controllerRevisions, next.metadata.name ?? '', [fault('data', 'field is immutable')]);
    }
  },
};
