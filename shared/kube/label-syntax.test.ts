import { expect, it } from 'vitest';
import { labelKeyProblem, labelValueProblem } from './label-syntax.ts';

it('knows keys as Kubernetes takes them', () => {
  for (const key of ['app', 'app.kubernetes.io/name', 'A_b-c.d', 'x'.repeat(63)]) expect(labelKeyProblem(key), key).toBeUndefined();
  for (const key of ['', '/x', 'a/', 'a/b/c', '-a', 'a b', 'x'.repeat(64), 'Up.er/x', `${'a'.repeat(254)}/x`]) expect(labelKeyProblem(key), key).toBeDefined();
});

it('knows values as Kubernetes takes them', () => {
  for (const value of ['', 'shop', '1.2_3-x']) expect(labelValueProblem(value), value).toBeUndefined();
  for (const value of ['a b', '-', 'x/y', 'x'.repeat(64)]) expect(labelValueProblem(value), value).toBeDefined();
});
