/** Focus for questions whose fields come after the dialog that asks them. */
import type { Attachment } from 'svelte/attachments';

const fields = ':is(input, select, textarea):not(:disabled)';
const pressed = ['keydown', 'pointerdown'] as const;

/**
 * Gives focus to the first field as soon as there is one, unless a person has pressed anything in the dialog by then, or
 * a field has the focus already. A dialog gives it to the first thing that can take it when it opens: where its contents
 * are still being read, that is the button that closes it.
 */
export const lateFocus: Attachment<HTMLElement> = (answers) => {
  const dialog = answers.closest('[role="dialog"]');
  if (dialog === null) return undefined;
  const look = (): void => {
    const first = firstField(answers);
    if (first === undefined) return;
    stop();
    const { activeElement } = document;
    if (activeElement === null || answers.contains(activeElement) || !dialog.contains(activeElement)) return;
    first.focus();
    // As when it is reached by Tab.
    if (first instanceof HTMLInputElement) first.select();
  };
  const observer = new MutationObserver(look);
  const stop = (): void => {
    observer.disconnect();
    for (const type of pressed) dialog.removeEventListener(type, stop);
  };
  for (const type of pressed) dialog.addEventListener(type, stop);
  observer.observe(answers, { childList: true, subtree: true });
  // What is there from the start is the dialog's own to focus.
  if (firstField(answers)) stop();
  return stop;
};

/** Of radio buttons the chosen one, as by Tab. */
function firstField(answers: HTMLElement): HTMLElement | undefined {
  const first = answers.querySelector<HTMLElement>(fields) ?? undefined;
  if (!(first instanceof HTMLInputElement) || first.type !== 'radio') return first;
  return answers.querySelector<HTMLElement>(`input[name="${CSS.escape(first.name)}"]:checked:not(:disabled)`) ?? first;
}
