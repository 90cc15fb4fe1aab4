/** Kubeconfig files: what `kubectl` would make of their current context. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { HayloftError } from '#shared/contract/errors.ts';
import type { Access } from './access.ts';
import { resolveContext, staticAccess } from './kubeconfig/context-access.ts';
import { parseKubeconfig } from './kubeconfig/document.ts';
import { isAgreed, notAgreed, programOf, renewal } from './kubeconfig/program.ts';

/**
 * Reads the current context of a kubeconfig file that is kept.
 * @throws HayloftError `not-found`, `bad-input`, `too-large`, `unsupported`, or `untrusted` when it names a program
 *   that nobody has agreed to
 */
export function readKubeconfig(path: string): Access {
  const text = readKubeconfigText(path);
  const resolved = resolveContext(parseKubeconfig(text, path));
  const access = staticAccess(resolved, dirname(path));
  const program = programOf(resolved.user);
  if (program === undefined) return access;
  if (!isAgreed(resolved.context, program)) throw notAgreed(program);
  return { ...access, renew: renewal(text) };
}

/** @throws HayloftError `not-found` */
export function readKubeconfigText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new HayloftError('not-found', `${path} could not be read.`, { hint: 'Check that the file is there.', cause });
  }
}
