/** What is told to somebody who applies a value that is another's. Words and causes are Kubernetes' own. */
import type { StatusCause } from '#shared/kube/object.ts';
import { ApiError } from '../errors.ts';
import { pathText } from './elements.ts';
import { pathsOf, type FieldSet } from './field-set.ts';
import type { Claim } from './managers.ts';

export interface Contested {
  claim: Claim;
  set: FieldSet;
}

export function applyConflict(contested: readonly Contested[]): ApiError {
  const conflicts = contested.flatMap(({ claim, set }) => [...pathsOf(set)].map((path) => ({ manager: nameOf(claim), path: pathText(path) })));
  const causes: StatusCause[] = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${manager}`,
    field: path,
  }));
  return new ApiError(409, 'Conflict', `Apply failed with ${wordsFor(conflicts)}`, { causes });
}

function wordsFor(conflicts: readonly { manager: string; path: string }[]): string {
  const [only] = conflicts;
  if (only && conflicts.length === 1) return `1 conflict: conflict with ${only.manager}: ${only.path}`;
  const managers = [...new Set(conflicts.map(({ manager }) => manager))].sort();
  const told = managers.map((manager) => {
    const paths = conflicts.filter((conflict) => conflict.manager === manager).map(({ path }) => `- ${path}`);
    return `conflicts with ${manager}:\n${paths.join('\n')}`;
  });
  return `${conflicts.length} conflicts: ${told.join('\n')}`;
}

function nameOf({ manager, operation, apiVersion, subresource }: Claim): string {
  const part = subresource === undefined ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(manager)}${part}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}
