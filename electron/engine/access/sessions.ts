/** What is open under each token, so that it can end with it. */

export class Sessions {
  readonly #open = new Map<string | undefined, Set<() => void>>();

  /**
   * @param credential undefined for the owner's own token
   * @param end cuts it off
   * @returns to be called when it has ended
   */
  add(credential: string | undefined, end: () => void): () => void {
    const open = this.#open.get(credential) ?? new Set();
    this.#open.set(credential, open.add(end));
    return () => {
      open.delete(end);
      if (open.size === 0 && this.#open.get(credential) === open) this.#open.delete(credential);
    };
  }

  end(credential: string | undefined): void {
    for (const end of [...(this.#open.get(credential) ?? [])]) end();
  }
}
