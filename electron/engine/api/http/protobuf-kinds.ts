/**
 * Field numbers of the kinds that kubectl sends as protocol buffers. Source: generated.proto of k8s.io/api
 * and k8s.io/apimachinery, which never change a number.
 */
import { ApiError, badRequest } from '../errors.ts';
import { accessKinds } from './protobuf-access.ts';
import type { JsonObject } from './json.ts';
import { readMessage, type Message } from './protobuf.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

const ownerReference: Message = {
  fields: {
    1: ['kind', 'string'],
    3: ['name', 'string'],
    4: ['uid', 'string'],
    5: ['apiVersion', 'string'],
    6: ['controller', 'boolean'],
    7: ['blockOwnerDeletion', 'boolean'],
  },
};

const metadata: Message = {
  fields: {
    1: ['name', 'string'],
    2: ['generateName', 'string'],
    3: ['namespace', 'string'],
    4: ['selfLink', 'ignored'],
    5: ['uid', 'string'],
    6: ['resourceVersion', 'string'],
    7: ['generation', 'ignored'],
    8: ['creationTimestamp', 'time'],
    9: ['deletionTimestamp', 'time'],
    10: ['deletionGracePeriodSeconds', 'integer'],
    11: ['labels', { map: 'string' }],
    12: ['annotations', { map: 'string' }],
    13: ['ownerReferences', { list: ownerReference }],
    14: ['finalizers', { list: 'string' }],
    17: ['managedFields', 'ignored'],
  },
};

const configMap: Message = {
  fields: {
    1: ['metadata', metadata],
    2: ['data', { map: 'string' }],
    3: ['binaryData', { map: 'bytes' }],
    4: ['immutable', 'boolean'],
  },
};

const secret: Message = {
  fields: {
    1: ['metadata', metadata],
    2: ['data', { map: 'bytes' }],
    3: ['type', 'string'],
    4: ['stringData', { map: 'string' }],
    5: ['immutable', 'boolean'],
  },
};

/** A Namespace's finalizers and phase are the server's to write. */
const namespace: Message = { fields: { 1: ['metadata', metadata], 2: ['spec', 'ignored'], 3: ['status', 'ignored'] } };

const lease: Message = {
  fields: {
    1: ['metadata', metadata],
    2: [
      'spec',
      {
        fields: {
          1: ['holderIdentity', 'string'],
          2: ['leaseDurationSeconds', 'integer'],
          3: ['acquireTime', 'time'],
          4: ['renewTime', 'time'],
          5: ['leaseTransitions', 'integer'],
        },
      },
    ],
  },
};

const servicePort: Message = {
  fields: {
    1: ['name', 'string'],
    2: ['protocol', 'string'],
    3: ['port', 'integer'],
    4: ['targetPort', 'intOrString'],
    5: ['nodePort', 'positive'],
    6: ['appProtocol', 'string'],
  },
};

/** A Service's status is the server's to write. */
const service: Message = {
  fields: {
    1: ['metadata', metadata],
    2: [
      'spec',
      {
        fields: {
          1: ['ports', { list: servicePort }],
          2: ['selector', { map: 'string' }],
          3: ['clusterIP', 'string'],
          4: ['type', 'string'],
          5: ['externalIPs', { list: 'string' }],
          7: ['sessionAffinity', 'string'],
          8: ['loadBalancerIP', 'string'],
          9: ['loadBalancerSourceRanges', { list: 'string' }],
          10: ['externalName', 'string'],
          11: ['externalTrafficPolicy', 'string'],
          12: ['healthCheckNodePort', 'positive'],
          13: ['publishNotReadyAddresses', 'boolean'],
          17: ['ipFamilyPolicy', 'string'],
          18: ['clusterIPs', { list: 'string' }],
          19: ['ipFamilies', { list: 'string' }],
          20: ['allocateLoadBalancerNodePorts', 'boolean'],
          21: ['loadBalancerClass', 'string'],
          22: ['internalTrafficPolicy', 'string'],
        },
      },
    ],
    3: ['status', 'ignored'],
  },
};

const resourceAttributes: Message = {
  fields: {
    1: ['namespace', 'string'],
    2: ['verb', 'string'],
    3: ['group', 'string'],
    4: ['version', 'string'],
    5: ['resource', 'string'],
    6: ['subresource', 'string'],
    7: ['name', 'string'],
  },
};

const accessReview: Message = {
  fields: {
    1: ['metadata', metadata],
    2: [
      'spec',
      {
        fields: {
          1: ['resourceAttributes', resourceAttributes],
          2: ['nonResourceAttributes', { fields: { 1: ['path', 'string'], 2: ['verb', 'string'] } }],
        },
      },
    ],
    3: ['status', 'ignored'],
  },
};

const rulesReview: Message = {
  fields: { 1: ['metadata', metadata], 2: ['spec', { fields: { 1: ['namespace', 'string'] } }], 3: ['status', 'ignored'] },
};

const deleteOptions: Message = {
  fields: {
    1: ['gracePeriodSeconds', 'integer'],
    2: ['preconditions', { fields: { 1: ['uid', 'string'], 2: ['resourceVersion', 'string'] } }],
    3: ['orphanDependents', 'boolean'],
    4: ['propagationPolicy', 'string'],
    5: ['dryRun', { list: 'string' }],
  },
};

const kinds: Readonly<Record<string, Message>> = {
  'v1 ConfigMap': configMap,
  'v1 Secret': secret,
  'v1 Namespace': namespace,
  'v1 Service': service,
  'v1 DeleteOptions': deleteOptions,
  ...accessKinds(metadata),
  'coordination.k8s.io/v1 Lease': lease,
  'authorization.k8s.io/v1 SelfSubjectAccessReview': accessReview,
  'authorization.k8s.io/v1 SelfSubjectRulesReview': rulesReview,
  'authentication.k8s.io/v1 SelfSubjectReview': { fields: { 1: ['metadata', metadata], 2: ['status', 'ignored'] } },
};

const magic = Buffer.from('k8s\0');
/** `runtime.Unknown`: which kind it is, and its message. */
const envelope: Message = {
  fields: {
    1: ['typeMeta', { fields: { 1: ['apiVersion', 'string'], 2: ['kind', 'string'] } }],
    2: ['raw', 'bytes'],
    3: ['contentEncoding', 'string'],
    4: ['contentType', 'string'],
  },
};

/** @throws ApiError 400 for malformed bytes, 415 for kinds that are taken as JSON only */
export function readProtobufObject(bytes: Buffer): JsonObject {
  if (!bytes.subarray(0, magic.length).equals(magic)) throw badRequest("the request's body is no Kubernetes protocol buffer");
  const { typeMeta, raw } = readMessage(envelope, bytes.subarray(magic.length));
  const { apiVersion = '', kind = '' } = (typeMeta ?? {}) as { apiVersion?: string; kind?: string };
  const message = kinds[`${apiVersion} ${kind}`];
  if (!message) {
    throw new ApiError(415, 'UnsupportedMediaType', `objects of kind ${kind} (${apiVersion}) are not taken as ${protobufType}; send application/json`);
  }
  return { apiVersion, kind, ...readMessage(message, Buffer.from(typeof raw === 'string' ? raw : '', 'base64')) };
}
