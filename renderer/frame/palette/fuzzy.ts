/** Finding by a few letters of a name. */

/**
 * How well a text fits what was typed: its letters in order, anywhere. Letters that follow each other, and those that begin
 * a word, count more; a longer text counts less.
 * @returns undefined where it does not fit; the higher, the better
 */
export function fuzzyScore(typed: string, text: string): number | undefined {
  if (typed === '') return 0;
  const wanted = typed.toLowerCase();
  const within = text.toLowerCase();
  const at = within.indexOf(wanted);
  // Typed as it stands is better than any letters here and there.
  if (at !== -1) return 1000 + (at === 0 ? 200 : beginsWord(within, at) ? 100 : 0) - text.length;
  let score = 0;
  let from = 0;
  let before = -2;
  for (const letter of wanted) {
    if (letter === ' ') continue;
    const place = within.indexOf(letter, from);
    if (place === -1) return undefined;
    score += place === before + 1 ? 8 : beginsWord(within, place) ? 6 : 1;
    before = place;
    from = place + 1;
  }
  return score - text.length / 10;
}

function beginsWord(text: string, at: number): boolean {
  return at === 0 || !/[a-z0-9]/.test(text.charAt(at - 1)) || (/\d/.test(text.charAt(at)) && !/\d/.test(text.charAt(at - 1)));
}
