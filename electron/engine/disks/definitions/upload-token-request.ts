import type { UploadTokenRequest } from '#shared/kube/cdi.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { object, string } from '../../api/schema.ts';

/** Asked, answered with a token, and not kept. The module adds the answer. */
export const uploadTokenRequests: ResourceDefinition<UploadTokenRequest> = {
  group: 'upload.cdi.kubevirt.io',
  version: 'v1beta1',
  kind: 'UploadTokenRequest',
  plural: 'uploadtokenrequests',
  singular: 'uploadtokenrequest',
  shortNames: ['utr', 'utrs'],
  namespaced: true,
  statusSubresource: true,
  schema: object(
    {
      spec: object({ pvcName: string() }, { required: ['pvcName'] }),
      status: object({ token: string() }),
    },
    { required: ['spec'] },
  ),
};
