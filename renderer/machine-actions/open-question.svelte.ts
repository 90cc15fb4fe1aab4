/** The question about a machine that is open now; MachineQuestions shows it, whoever asked. */
import type { ActedOn, AskedAction } from './action.ts';

export interface OpenQuestion {
  what: AskedAction;
  machine: ActedOn;
  open: boolean;
}

class Question {
  /** Kept when closed, so that the dialog keeps its words while it goes. */
  current = $state.raw<OpenQuestion | undefined>(undefined);

  setOpen(open: boolean): void {
    if (this.current) this.current = { ...this.current, open };
  }
}

export const question = new Question();

/** Opens the question that begins an action. */
export function askAbout(what: AskedAction, machine: ActedOn): void {
  question.current = { what, machine, open: true };
}
