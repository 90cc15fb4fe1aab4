/** Whether a request is a rehearsal: all is checked and answered, nothing stored. */
import { badRequest } from '../errors.ts';

/**
 * @param stages every `dryRun` that was given
 * @throws ApiError 400
 */
export function isDryRun(stages: readonly string[]): boolean {
  const given = stages.filter((stage) => stage !== '');
  const unknown = given.find((stage) => stage !== 'All');
  if (unknown !== undefined) throw badRequest(`dryRun=${unknown} is not known; it can only be All`);
  return given.length > 0;
}
