/** Kubeconfigs that were read and not added yet. They stay here, so that no page has to hold credentials. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { HayloftError } from '#shared/contract/errors.ts';
import { readKubeconfigText } from '../kubeconfig.ts';
import { parseKubeconfig, type Kubeconfig } from './document.ts';

export interface Draft {
  id: string;
  config: Kubeconfig;
  /** Where files lie that it names; undefined when it was pasted or dropped. */
  folder: string | undefined;
  text: string;
}

/** More than anybody has open; the oldest are forgotten. */
const mostDrafts = 20;

export class Drafts {
  readonly #drafts = new Map<string, Draft>();

  /** @throws HayloftError that says what is wrong with the text */
  fromText(text: string, origin: string): Draft {
    return this.#keep(text, origin, undefined);
  }

  /** @throws HayloftError */
  fromFile(path: string): Draft {
    return this.#keep(readKubeconfigText(path), path, dirname(path));
  }

  /** Those that kubectl would read (`KUBECONFIG`, or `~/.kube/config`). @throws HayloftError `not-found` where there is none */
  usual(): Draft[] {
    const named = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
    const paths = named.length > 0 ? named : [join(homedir(), '.kube', 'config')];
    const there = paths.filter((path) => existsSync(path));
    if (there.length === 0) {
      throw new HayloftError('not-found', `There is no kubeconfig at ${paths.join(' or ')}.`, { hint: 'Choose the file, or paste its text.' });
    }
    return there.map((path) => this.fromFile(path));
  }

  /** @throws HayloftError `not-found` */
  get(id: string): Draft {
    const draft = this.#drafts.get(id);
    if (!draft) throw new HayloftError('not-found', 'This kubeconfig is not kept any more.', { hint: 'Choose or paste it again.' });
    return draft;
  }

  forget(id: string): void {
    this.#drafts.delete(id);
  }

  #keep(text: string, origin: string, folder: string | undefined): Draft {
    const config = parseKubeconfig(text, origin);
    if (config.contexts.size === 0) {
      throw new HayloftError('bad-input', `${origin} has no contexts.`, { hint: 'Export the kubeconfig from the cluster again.' });
    }
    const draft = { id: randomUUID(), config, folder, text };
    this.#drafts.set(draft.id, draft);
    for (const id of [...this.#drafts.keys()].slice(0, -mostDrafts)) this.#drafts.delete(id);
    return draft;
  }
}
