/** What is wrong with single kinds of objects while their cluster answers, and for how long. */
import type { Cluster } from '#shared/contract/clusters.ts';
import type { HayloftError } from '#shared/contract/errors.ts';

/** A watch that broke is mostly open again before anybody has read that it broke. */
const graceMs = 1500;
/** Without these there is nothing to show of a cluster: that they may not be read is worth more than a note. */
const essential = new Set(['virtualmachines']);

interface Trouble {
  error: HayloftError;
  since: number;
}

export class Troubles {
  readonly #known = new Map<string, Trouble>();
  readonly #changed: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param changed called when an answer of `worst` or `withheld` may be another one */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** @param error undefined: all is well with this kind */
  set(resource: string, error: HayloftError | undefined): void {
    if (error === undefined) {
      if (this.#known.delete(resource)) this.#changed();
      return;
    }
    const since = this.#known.get(resource)?.since ?? performance.now();
    this.#known.set(resource, { error, since });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#changed, graceMs).unref();
  }

  /** What the cluster is to be called degraded for, if anything. */
  worst(): HayloftError | undefined {
    return this.#lasting().find(([resource, error]) => !isWithheld(error) || essential.has(resource))?.[1];
  }

  /** Kinds that the user may not read, or that the cluster does not have. */
  withheld(): NonNullable<Cluster['withheld']> {
    return this.#lasting()
      .filter(([, error]) => isWithheld(error))
      .map(([resource, { code, message }]) => ({ resource, code, message }));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #lasting(): [string, HayloftError][] {
    const now = performance.now();
    return [...this.#known].filter(([, { since }]) => now - since >= graceMs - 5).map(([resource, { error }]) => [resource, error]);
  }
}

const isWithheld = ({ code }: HayloftError): boolean => code === 'forbidden' || code === 'not-found' || code === 'unsupported';
