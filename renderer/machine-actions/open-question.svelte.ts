/** The question about a machine that is open now; MachineQuestions shows it, whoever asked. */
import type { ActedOn, AskedAction } from './action.ts';

export interface OpenQuestion {
  what: AskedAction;
  machine: ActedOn;
  /** What of the machine it is about: a disk, a drive, a snapshot, a volume. */
  subject: string | undefined;
  open: boolean;
  /** Tells one question from the next. */
  number: number;
}

let asked = 0;

class Question {
  /** Kept when closed, so that the dialog keeps its words while it goes. */
  current = $state.raw<OpenQuestion | undefined>(undefined);

  setOpen(open: boolean): void {
    if (this.current) this.current = { ...this.current, open };
  }
}

export const question = new Question();

/**
 * Opens the question that begins an action.
 * @param subject what of the machine it is about, where that is known: the name of a disk, drive or snapshot, or the claim to attach
 */
export function askAbout(what: AskedAction, machine: ActedOn, subject?: string): void {
  asked += 1;
  question.current = { what, machine, subject, open: true, number: asked };
}
