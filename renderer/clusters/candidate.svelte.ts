/** A context that may become a cluster: what was found out about it, and what the person decided. */
import type { Diagnosis, KubeconfigContext } from '#shared/contract/clusters.ts';
import { asHayloftError, type HayloftError } from '#shared/contract/errors.ts';
import type { StatusTone } from '#shared/contract/machines.ts';
import { connection } from '../state/connection.svelte.ts';

export class Candidate {
  readonly draftId: string;
  readonly context: KubeconfigContext;
  picked = $state(false);
  name = $state('');
  agreed = $state(false);
  trust = $state<string | undefined>(undefined);
  testing = $state(false);
  diagnosis = $state.raw<Diagnosis | undefined>(undefined);
  error = $state.raw<HayloftError | undefined>(undefined);
  /** Only the answer to the last question counts. */
  #question = 0;

  constructor(draftId: string, context: KubeconfigContext, picked: boolean) {
    this.draftId = draftId;
    this.context = context;
    this.name = context.name;
    this.picked = picked && context.problem === undefined;
  }

  get words(): { tone: StatusTone; label: string } {
    if (this.context.problem) return { tone: 'bad', label: 'Not usable' };
    if (this.testing) return { tone: 'busy', label: 'Testing…' };
    if (this.#mustAgree) return { tone: 'warning', label: 'Asks for a program' };
    if (this.error) return { tone: 'bad', label: 'Not tested' };
    if (!this.diagnosis) return { tone: 'off', label: 'Not tested' };
    if (!this.diagnosis.usable) return { tone: 'bad', label: 'Does not work' };
    return this.diagnosis.checks.some(({ status }) => status === 'warning') ? { tone: 'warning', label: 'Works, with remarks' } : { tone: 'good', label: 'Works' };
  }

  get canRetry(): boolean {
    return !this.testing && !this.#mustAgree && (this.error !== undefined || this.diagnosis?.usable === false);
  }

  /** Why it cannot be added as it is. */
  get obstacle(): string | undefined {
    if (this.name.trim() === '') return 'Every cluster needs a name.';
    if (this.#mustAgree) return `${this.context.name} asks for a program to be run.`;
    if (this.testing) return 'The connection is being tested.';
    return undefined;
  }

  get #mustAgree(): boolean {
    return this.context.program !== undefined && !this.agreed;
  }

  agree(yes: boolean): void {
    this.agreed = yes;
    this.diagnosis = undefined;
    this.error = undefined;
    if (yes) void this.test();
  }

  trustIt(fingerprint: string): void {
    this.trust = fingerprint;
    void this.test();
  }

  async test(): Promise<void> {
    if (this.context.problem || this.#mustAgree) return;
    this.#question += 1;
    const question = this.#question;
    this.testing = true;
    try {
      const diagnosis = await connection.call('clusters.test', this.#input());
      if (question !== this.#question) return;
      this.diagnosis = diagnosis;
      this.error = undefined;
    } catch (error) {
      if (question !== this.#question) return;
      this.diagnosis = undefined;
      this.error = asHayloftError(error);
    } finally {
      if (question === this.#question) this.testing = false;
    }
  }

  /** @returns the new cluster's id; rejects with a HayloftError */
  async add(): Promise<string> {
    const { clusterId } = await connection.call('clusters.add', { ...this.#input(), name: this.name.trim() });
    return clusterId;
  }

  #input(): { draftId: string; context: string; program?: string; trust?: string } {
    const { program } = this.context;
    return {
      draftId: this.draftId,
      context: this.context.name,
      ...(program !== undefined && this.agreed ? { program } : {}),
      ...(this.trust === undefined ? {} : { trust: this.trust }),
    };
  }
}
