/** Credentials that run out: handed out by a program or kept in a file, and asked for anew when the server refuses them. */
import { readFile } from 'node:fs/promises';
import type { Access, Credentials } from './access.ts';

export class CredentialSource {
  readonly #access: Access;
  #asking: Promise<Credentials | undefined> | undefined;
  #refused: Credentials | undefined;
  /** What the last renewal brought. */
  #newest: Credentials | undefined;
  /** One renewal at a time: a program may open a window for each. */
  #renewing: Promise<Credentials | undefined> | undefined;

  constructor(access: Access) {
    this.#access = access;
  }

  /** @throws HayloftError `unauthorized` when there are none to be had */
  async now(): Promise<Credentials> {
    this.#asking ??= this.#changing(false).finally(() => (this.#asking = undefined));
    return (await this.#asking) ?? this.#access;
  }

  /**
   * The server answered 401 to these.
   * @returns others to try, or undefined where there are none
   */
  renewed(refused: Credentials): Promise<Credentials | undefined> {
    this.#renewing ??= this.#renew(refused).finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  /** Whether the file holds another token by now than the one that was refused. */
  async changed(): Promise<boolean> {
    if (this.#access.tokenFile === undefined || !this.#refused) return false;
    return (await this.#changing(false))?.token !== this.#refused.token;
  }

  async #renew(refused: Credentials): Promise<Credentials | undefined> {
    this.#refused = refused;
    const differ = (others: Credentials): boolean =>
      others.token !== refused.token || others.clientCertificate !== refused.clientCertificate;
    // Several requests may have been under way with the old ones.
    if (this.#newest && differ(this.#newest)) return this.#newest;
    const others = await this.#changing(true);
    if (!others || !differ(others)) return undefined;
    this.#newest = others;
    return others;
  }

  /** @returns undefined where they never change */
  async #changing(wereRefused: boolean): Promise<Credentials | undefined> {
    const { renew, tokenFile } = this.#access;
    if (renew) return { ...this.#access, ...(await renew(wereRefused)) };
    if (tokenFile === undefined) return undefined;
    // A file that is being replaced, or is gone: the token from before may still do.
    const text = await readFile(tokenFile, 'utf8').catch(() => '');
    return text.trim() === '' ? undefined : { ...this.#access, token: text.trim() };
  }
}
