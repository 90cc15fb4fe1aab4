/** Rotation: asks the engine to change a secret that everything hangs on. Answered, and not kept. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import { any, integer, object, string } from '../api/schema.ts';

export interface Rotation extends KubeObject {
  spec: {
    of: 'CertificateAuthority' | 'OwnerToken';
    /** Of an authority: how long clients may take to learn of the new one. Absent: a week. 0: it is used at once. */
    overlapSeconds?: number;
  };
  status?: { from: string };
}

export interface Rotations {
  /** @returns when the new one is used, milliseconds since 1970 */
  authority(overlapMs: number): Promise<number>;
  /** The token before is not good any more when it resolves. */
  ownerToken(): Promise<void>;
}

const usualOverlapSeconds = 7 * 86_400;
const longestOverlapSeconds = 90 * 86_400;

export function rotationKind(rotations: Rotations): ResourceDefinition<Rotation> {
  return {
    group: 'access.hayloft.io',
    version: 'v1',
    kind: 'Rotation',
    plural: 'rotations',
    singular: 'rotation',
    namespaced: false,
    statusSubresource: false,
    schema: object(
      {
        spec: object(
          { of: string({ enum: ['CertificateAuthority', 'OwnerToken'] }), overlapSeconds: integer({ minimum: 0, maximum: longestOverlapSeconds }) },
          { required: ['of'] },
        ),
        status: any(),
      },
      { required: ['spec'] },
    ),
    answer: async (asked) => {
      const { of, overlapSeconds = usualOverlapSeconds } = asked.spec;
      let from = Date.now();
      if (of === 'OwnerToken') await rotations.ownerToken();
      else from = await rotations.authority(overlapSeconds * 1000);
      return { ...asked, status: { from: new Date(from).toISOString() } };
    },
  };
}
