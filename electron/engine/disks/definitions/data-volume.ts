import { isDeepStrictEqual } from 'node:util';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { invalid } from '../../api/errors.ts';
import { array, boolean, integer, object, string, unsupported } from '../../api/schema.ts';
import { checkRequest, claimSpecFields, conditions, emptyObject, forbidden, invalidValue } from './claim-fields.ts';

/** On a volume whose claim somebody else makes and fills: it only takes it. CDI's own name. */
export const PREPOPULATED_ANNOTATION = 'cdi.kubevirt.io/storage.prePopulated';

/** Digests that an import can be checked against, by the length of their hexadecimal text. */
export const checksumLengths: Record<string, number> = { md5: 32, sha1: 40, sha256: 64, sha512: 128 };

const noSource = 'the engine imports over HTTP, clones claims, takes uploads and makes blank disks';

export const dataVolumes: ResourceDefinition<DataVolume> = {
  group: 'cdi.kubevirt.io',
  version: 'v1beta1',
  kind: 'DataVolume',
  plural: 'datavolumes',
  singular: 'datavolume',
  shortNames: ['dv', 'dvs'],
  categories: ['all'],
  namespaced: true,
  statusSubresource: true,
  schema: object(
    {
      spec: object({
        source: object({
          blank: emptyObject,
          upload: emptyObject,
          http: object(
            {
              url: string(),
              checksum: string(),
              extraHeaders: array(string()),
              secretRef: string({ description: 'A Secret with accessKeyId and secretKey: user name and password.' }),
              certConfigMap: string({ description: 'A ConfigMap whose values are certificates (PEM) to trust beside the usual ones.' }),
              secretExtraHeaders: array(string(), { description: 'Secrets whose values are headers.' }),
              insecureSkipVerify: unsupported('certificates are always checked; give a checksum and use http:// instead'),
            },
            { required: ['url'] },
          ),
          pvc: object({ name: string(), namespace: string() }, { required: ['name'] }),
          snapshot: unsupported('there are no volume snapshots here: clone a claim (source.pvc)'),
          s3: unsupported(noSource),
          gcs: unsupported(noSource),
          registry: unsupported(noSource),
          imageio: unsupported(noSource),
          vddk: unsupported(noSource),
        }),
        sourceRef: unsupported('there are no DataSources here: name the source itself in spec.source'),
        storage: object(claimSpecFields),
        pvc: object({ ...claimSpecFields, volumeName: unsupported('the engine makes a volume for each claim') }),
        contentType: string({ enum: ['kubevirt', 'archive'] }),
        preallocation: boolean(),
        priorityClassName: unsupported('imports run inside the engine: there are no pods to give priority'),
        serviceAccountName: unsupported('imports run inside the engine, without an account of their own'),
        checkpoints: unsupported('imports in several steps need VMware’s or oVirt’s sources'),
        finalCheckpoint: unsupported('imports in several steps need VMware’s or oVirt’s sources'),
      }),
      status: object({
        claimName: string(),
        phase: string(),
        progress: string(),
        restartCount: integer(),
        conditions,
      }),
    },
    { required: ['spec'] },
  ),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'Phase', type: 'string', description: 'The phase the data volume is in', value: ({ status }) => status?.phase },
    { name: 'Progress', type: 'string', description: 'Transfer progress in percentage if known, N/A otherwise', value: ({ status }) => status?.progress },
    { name: 'Restarts', type: 'integer', description: 'The number of times the transfer has been restarted.', value: ({ status }) => status?.restartCount },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  admit: ({ object: next, old }) => {
    const causes = old === undefined ? checkNew(next) : checkUnchanged(next, old);
    if (causes.length > 0) throw invalid(dataVolumes, next.metadata.name ?? '', causes);
  },
};

function checkNew({ spec }: DataVolume): StatusCause[] {
  const sources = Object.keys(spec.source ?? {});
  const causes: StatusCause[] = [];
  if (sources.length !== 1) {
    causes.push(invalidValue('spec.source', sources, 'exactly one source is needed: blank, upload, http or pvc'));
  }
  if ((spec.storage === undefined) === (spec.pvc === undefined)) {
    causes.push(invalidValue('spec', Object.keys(spec), 'exactly one of storage and pvc is needed'));
  }
  // A clone takes the size of what it is a copy of.
  const sizeNeeded = spec.source?.pvc === undefined;
  if (spec.storage !== undefined) causes.push(...checkRequest(spec.storage, 'spec.storage', sizeNeeded));
  if (spec.pvc !== undefined) {
    causes.push(...checkRequest(spec.pvc, 'spec.pvc', sizeNeeded));
    if (!spec.pvc.accessModes?.length) {
      causes.push({ reason: 'FieldValueRequired', field: 'spec.pvc.accessModes', message: 'Required value: at least 1 access mode is required' });
    }
  }
  if (spec.contentType === 'archive') {
    causes.push(forbidden('spec.contentType', 'archives are unpacked into file systems, and disks here have none of their own: only kubevirt'));
  }
  if (spec.preallocation === true) {
    causes.push(forbidden('spec.preallocation', 'disks grow as they are written to'));
  }
  return [...causes, ...checkHttp(spec.source?.http)];
}

type HttpSource = NonNullable<NonNullable<DataVolume['spec']['source']>['http']>;

function checkHttp(http: HttpSource | undefined): StatusCause[] {
  if (http === undefined) return [];
  const causes: StatusCause[] = [];
  const url = URL.parse(http.url);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    causes.push(invalidValue('spec.source.http.url', http.url, 'must be a whole address that begins with http:// or https://'));
  }
  const [algorithm = '', digest = ''] = (http.checksum ?? '').split(':');
  if (http.checksum !== undefined && (checksumLengths[algorithm] !== digest.length || !/^[0-9a-f]+$/i.test(digest))) {
    causes.push(invalidValue('spec.source.http.checksum', http.checksum, 'must be sha256:, sha512:, sha1: or md5: and the digest in hexadecimal'));
  }
  http.extraHeaders?.forEach((header, index) => {
    if (!/^[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e]*$/.test(header)) {
      causes.push(invalidValue(`spec.source.http.extraHeaders[${index}]`, header, 'must be a header: a name, a colon and a value'));
    }
  });
  return causes;
}

function checkUnchanged(next: DataVolume, old: DataVolume): StatusCause[] {
  return isDeepStrictEqual(next.spec, old.spec)
    ? []
    : [forbidden('spec', 'a DataVolume cannot be changed after its creation; to make the disk larger, change its claim')];
}
