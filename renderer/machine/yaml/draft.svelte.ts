/** A definition that is being looked at and edited: what was loaded, what was written, and how it is brought together. */
import { asHayloftError, type HayloftError } from '#shared/contract/errors.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import { connection } from '../../state/connection.svelte.ts';
import { comparable, toManifest, toText, withRevision, type Shown } from './manifest-text.ts';
import { isSame, mergeThreeWays, takeTheirs, type Conflict } from './three-way.ts';

export type Which = 'VirtualMachine' | 'VirtualMachineInstance';
type Manifest = Record<string, unknown> & { metadata?: Record<string, unknown> };

export class Draft {
  /** What the cluster had when editing began; absent until it was loaded. */
  base = $state.raw<Manifest | undefined>(undefined);
  text = $state('');
  shown = $state.raw<Shown>({ managedFields: false, status: false });
  error = $state.raw<HayloftError | undefined>(undefined);
  busy = $state(false);
  /** What would be sent, once the cluster has said that it would take it. */
  review = $state.raw<{ before: string; after: string } | undefined>(undefined);
  /** Where somebody else changed the same; empty when both changes go together. */
  conflict = $state.raw<{ theirs: Manifest; merged: unknown; conflicts: Conflict[] } | undefined>(undefined);
  readonly #ref: ObjectRef;
  readonly #which: Which;
  readonly #replaced: (text: string) => void;
  #loaded = '';

  /** @param replaced is told when the text is another one than was typed */
  constructor(ref: ObjectRef, which: Which, replaced: (text: string) => void) {
    const { clusterId, namespace, name } = ref;
    this.#ref = { clusterId, namespace, name };
    this.#which = which;
    this.#replaced = replaced;
  }

  get dirty(): boolean {
    return this.base !== undefined && this.text !== this.#loaded;
  }

  /** Takes what the cluster has now; what was typed is gone. */
  async load(): Promise<void> {
    try {
      this.#take(await this.#fetch());
      this.error = undefined;
    } catch (error) {
      this.error = asHayloftError(error);
    }
  }

  /** What the cluster has now, unless somebody is editing. */
  async refresh(): Promise<void> {
    if (!this.base || this.dirty || this.busy || this.review || this.conflict) return;
    try {
      const text = this.text;
      const now = await this.#fetch();
      // Somebody may have begun to type meanwhile.
      if (this.text === text) this.#take(now);
      this.error = undefined;
    } catch (error) {
      this.error = asHayloftError(error);
    }
  }

  show(shown: Shown): void {
    this.shown = shown;
    if (!this.dirty && this.base) this.#take(this.base);
  }

  /** Lets the cluster check it, and shows what would change. */
  async ask(): Promise<void> {
    await this.#send(true);
  }

  async save(): Promise<boolean> {
    return this.#send(false);
  }

  discard(): void {
    this.review = undefined;
    this.conflict = undefined;
    this.error = undefined;
    if (this.base) this.#take(this.base);
  }

  /** Goes on with both people's changes. @param theirs the conflicts in which the other's is taken */
  resolve(theirs: ReadonlySet<Conflict>): void {
    const { conflict } = this;
    if (!conflict) return;
    const merged = conflict.conflicts.filter((item) => theirs.has(item)).reduce<unknown>(takeTheirs, conflict.merged) as Manifest;
    const { resourceVersion, generation } = conflict.theirs.metadata ?? {};
    this.conflict = undefined;
    this.error = undefined;
    this.#take(conflict.theirs);
    this.text = toText({ ...merged, metadata: { ...merged.metadata, resourceVersion, generation } }, { managedFields: false, status: false });
    this.#replaced(this.text);
  }

  async #send(dryRun: boolean): Promise<boolean> {
    if (!this.base || this.busy) return false;
    this.busy = true;
    this.error = undefined;
    try {
      const answer = await this.#put(dryRun);
      this.review = undefined;
      if (answer && dryRun) {
        const plain = { managedFields: false, status: false };
        this.review = { before: toText(comparable(this.base), plain), after: toText(comparable(answer), plain) };
      } else if (answer) this.#take(answer);
      return answer !== undefined;
    } catch (error) {
      this.review = undefined;
      this.error = asHayloftError(error);
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** @returns what the cluster would have, or has now; undefined after a conflict, which is then set out in `conflict` */
  async #put(dryRun: boolean): Promise<Manifest | undefined> {
    for (;;) {
      const manifest = toManifest(this.text, this.base);
      try {
        const { json } = await connection.call('manifests.put', { ...this.#ref, json: JSON.stringify(manifest), dryRun });
        return JSON.parse(json) as Manifest;
      } catch (error) {
        if (asHayloftError(error).code !== 'conflict') throw error;
      }
      const theirs = await this.#fetch();
      // A cluster writes the status of a machine at any moment, and that makes a new revision: nobody's change, so the text just goes on from there.
      if (this.#follow(theirs)) continue;
      const { merged, conflicts } = mergeThreeWays(comparable(this.base), comparable(manifest), comparable(theirs));
      this.conflict = { theirs, merged, conflicts };
      return undefined;
    }
  }

  /** Goes on from a newer revision that says the same. @returns whether there was one */
  #follow(theirs: Manifest): boolean {
    if (!this.base || !isSame(comparable(this.base), comparable(theirs))) return false;
    const text = withRevision(this.text, this.base, theirs);
    if (text === this.text) return false;
    this.base = theirs;
    this.#loaded = toText(theirs, this.shown);
    this.text = text;
    this.#replaced(text);
    return true;
  }

  async #fetch(): Promise<Manifest> {
    const { json } = await connection.call('manifests.get', { ...this.#ref, which: this.#which });
    return JSON.parse(json) as Manifest;
  }

  #take(object: Manifest): void {
    this.base = object;
    this.#loaded = toText(object, this.shown);
    if (this.text === this.#loaded) return;
    this.text = this.#loaded;
    this.#replaced(this.text);
  }
}
