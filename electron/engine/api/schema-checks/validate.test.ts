import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../definition.ts';
import { any, array, integer, intOrString, map, object, quantity, string, time, unsupported } from '../schema.ts';
import { validate } from './validate.ts';

const definition: ResourceDefinition = {
  group: 'test.hayloft.io',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  singular: 'widget',
  namespaced: true,
  statusSubresource: false,
  schema: object({
    spec: object(
      {
        mode: string({ enum: ['a', 'b'] }),
        code: string({ pattern: '[a-z]+' }),
        count: integer({ minimum: 1, maximum: 5 }),
        size: quantity(),
        port: intOrString(),
        at: time(),
        free: any(),
        tags: map(string()),
        parts: array(object({ name: string() }, { required: ['name'] })),
        probe: unsupported('there are no probes here'),
      },
      { required: ['mode'] },
    ),
  }),
};

function check(spec: unknown): { spec: unknown; unknown: string[]; causes: string[] } {
  const given = { apiVersion: 'test.hayloft.io/v1', kind: 'Widget', metadata: { name: 'w' }, spec } as KubeObject & { spec: unknown };
  const { unknown, causes } = validate(definition, given);
  return { spec: given.spec, unknown, causes: causes.map(({ reason, field }) => `${field ?? ''} ${reason ?? ''}`) };
}

describe('validate', () => {
  it('takes what fits', () => {
    const spec = {
      ...{ mode: 'a', code: 'abc', count: 5, size: '1.5Gi', port: 'http', at: '2026-01-02T03:04:05Z' },
      ...{ free: { x: [null, 1] }, tags: { a: 'b' }, parts: [{ name: 'n' }] },
    };
    expect(check(structuredClone(spec))).toEqual({ spec, unknown: [], causes: [] });
  });

  it('cuts unknown fields out and names them, in lists too', () => {
    const found = check({ mode: 'a', x: 1, parts: [{ name: 'n', y: 2 }] });
    expect(found).toEqual({ spec: { mode: 'a', parts: [{ name: 'n' }] }, unknown: ['spec.x', 'spec.parts[0].y'], causes: [] });
  });

  it('reads null as not given', () => {
    expect(check({ mode: 'a', code: null, probe: null, tags: { a: null }, parts: null })).toMatchObject({ spec: { mode: 'a', tags: {} }, causes: [] });
    expect(check({ mode: null }).causes).toEqual(['spec.mode FieldValueRequired']);
  });

  it.each<[object, string]>([
    [{ mode: 'c' }, 'spec.mode FieldValueNotSupported'],
    [{ mode: 'a', code: 'abc1' }, 'spec.code FieldValueInvalid'],
    [{ mode: 'a', count: 0 }, 'spec.count FieldValueInvalid'],
    [{ mode: 'a', count: 6 }, 'spec.count FieldValueInvalid'],
    [{ mode: 'a', count: 1.5 }, 'spec.count FieldValueTypeInvalid'],
    [{ mode: 'a', size: '1 Gi' }, 'spec.size FieldValueTypeInvalid'],
    [{ mode: 'a', size: {} }, 'spec.size FieldValueTypeInvalid'],
    [{ mode: 'a', port: true }, 'spec.port FieldValueTypeInvalid'],
    [{ mode: 'a', at: 'noon' }, 'spec.at FieldValueTypeInvalid'],
    [{ mode: 'a', tags: { a: 1 } }, 'spec.tags.a FieldValueTypeInvalid'],
    [{ mode: 'a', tags: [] }, 'spec.tags FieldValueTypeInvalid'],
    [{ mode: 'a', parts: {} }, 'spec.parts FieldValueTypeInvalid'],
    [{ mode: 'a', parts: [null] }, 'spec.parts[0] FieldValueTypeInvalid'],
    [{ mode: 'a', parts: [{}] }, 'spec.parts[0].name FieldValueRequired'],
    [{ mode: 'a', probe: {} }, 'spec.probe FieldValueForbidden'],
  ])('names what is wrong with %j', (spec, cause) => {
    expect(check(spec).causes).toEqual([cause]);
  });
});
