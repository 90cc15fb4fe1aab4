/** Whether the question which backup to restore is open; the frame shows it, whoever asked. */
class RestoreQuestion {
  open = $state(false);
  /** Tells one question from the next. */
  number = $state(0);

  ask(): void {
    this.number += 1;
    this.open = true;
  }
}

export const restoreQuestion = new RestoreQuestion();
