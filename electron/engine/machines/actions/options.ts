/** What may be said in the body of an action: KubeVirt's StartOptions, StopOptions, RestartOptions, PauseOptions…, checked. */
import { ApiError, badRequest } from '../../api/errors.ts';
import type { SubresourceRequest } from '../../api/definition.ts';

export interface ActionOptions {
  dryRun?: string[];
  /** Of `start`. */
  paused?: boolean;
  /** Of `stop`, in seconds. */
  gracePeriod?: number;
  /** Of `restart`, in seconds. */
  gracePeriodSeconds?: number;
}

/** What the body of every Kubernetes object may hold besides. */
const always = new Set(['kind', 'apiVersion']);

const checks: Record<string, { fits(value: unknown): boolean; words: string }> = {
  dryRun: { fits: (value) => Array.isArray(value) && value.every((word) => word === 'All'), words: 'a list that holds nothing but "All"' },
  paused: { fits: (value) => typeof value === 'boolean', words: 'true or false' },
  gracePeriod: { fits: (value) => Number.isSafeInteger(value) && Number(value) >= 0, words: 'a whole number of seconds, 0 or more' },
  // Its own handler says which numbers it takes.
  gracePeriodSeconds: { fits: (value) => Number.isSafeInteger(value), words: 'a whole number of seconds' },
};

/**
 * @param fields what this action knows; an empty body says nothing of it
 * @throws ApiError 400 for a body that is not an object, and for a field that would be ignored
 */
export function readOptions({ body }: SubresourceRequest, fields: readonly string[]): ActionOptions {
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object' || Array.isArray(body)) throw badRequest('the body has to be an object');
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (always.has(name) || value === null) continue;
    if (!fields.includes(name)) throw badRequest(`unknown field "${name}"`);
    const check = checks[name];
    if (check && !check.fits(value)) throw new ApiError(400, 'BadRequest', `${name} has to be ${check.words}`);
    options[name] = value;
  }
  return options;
}

/** Everything is checked, and nothing is to be done. */
export const isDryRun = ({ dryRun = [] }: ActionOptions): boolean => dryRun.includes('All');
