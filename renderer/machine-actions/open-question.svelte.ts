/** The question about a machine that is open now; MachineQuestions shows it, whoever asked. */
import type { ActedOn, AskedAction } from './action.ts';

export class Question {
  readonly what: AskedAction;
  readonly machine: ActedOn;
  /** What of the machine it is about: a disk, a drive, a snapshot, a volume. */
  readonly subject: string | undefined;
  /** Its own: one that is answered late closes itself, and not the one that was asked after it. */
  open = $state(true);

  constructor(what: AskedAction, machine: ActedOn, subject: string | undefined) {
    this.what = what;
    this.machine = machine;
    this.subject = subject;
  }
}

class LastQuestion {
  /** Kept when closed, so that the dialog keeps its words while it goes. */
  current = $state.raw<Question | undefined>(undefined);
}

export const question = new LastQuestion();

/**
 * Opens the question that begins an action, in the place of one that is still open.
 * @param subject what of the machine it is about, where that is known: the name of a disk, drive or snapshot, or the claim to attach
 */
export function askAbout(what: AskedAction, machine: ActedOn, subject?: string): void {
  question.current = new Question(what, machine, subject);
}
