/** What somebody is in the middle of: an open menu or the button that opens it, a dialog, a field. */
const places = '[role="menu"], [role="dialog"], [role="alertdialog"], [aria-expanded="true"], input, textarea, select, [contenteditable="true"]';

/** @returns whether the keys belong to something else, so that a console that has just connected must not take them */
export const isAtWorkElsewhere = (): boolean => document.activeElement?.closest(places) != null;
