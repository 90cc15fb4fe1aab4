/** The kinds that CustomResourceDefinitions have brought, as they come and go. */
import type { AnyDefinition, DynamicKinds } from '../api/definition.ts';
import { isEstablished, type CustomResourceDefinition } from './definition.ts';

interface Entry {
  /** Changes when the kinds must be made anew. */
  made: string;
  definitions: readonly AnyDefinition[];
  terminating: boolean;
}

type MakeKinds = (crd: CustomResourceDefinition, isTerminating: () => boolean) => AnyDefinition[];

export class CustomKinds implements DynamicKinds {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners: (() => void)[] = [];
  #generation = 0;

  get generation(): number {
    return this.#generation;
  }

  definitions(): readonly AnyDefinition[] {
    return [...this.#entries.values()].flatMap(({ definitions }) => definitions);
  }

  follow(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** A definition as it is now: what changed in its status alone leaves its kinds, and who watches them, alone. */
  take(crd: CustomResourceDefinition, make: MakeKinds): void {
    const { name = '', deletionTimestamp } = crd.metadata;
    const made = JSON.stringify([crd.metadata.uid, isEstablished(crd), crd.spec, crd.status?.acceptedNames]);
    const entry: Entry = this.#entries.get(name) ?? { made: '', definitions: [], terminating: false };
    entry.terminating = deletionTimestamp !== undefined;
    this.#entries.set(name, entry);
    if (entry.made === made) return;
    entry.made = made;
    entry.definitions = isEstablished(crd) ? make(crd, () => entry.terminating) : [];
    this.#changed();
  }

  drop(name: string): void {
    if (this.#entries.delete(name)) this.#changed();
  }

  #changed(): void {
    this.#generation += 1;
    for (const listener of this.#listeners) listener();
  }
}
