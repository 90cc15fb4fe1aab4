/** The commands that were used last, remembered by this browser. */
const key = 'hayloft.palette.recent';
const most = 12;

/** Ids, the latest first. */
export function recentCommands(): string[] {
  return (localStorage.getItem(key) ?? '').split('\n').filter((id) => id !== '');
}

export function rememberCommand(id: string): void {
  localStorage.setItem(key, [id, ...recentCommands().filter((other) => other !== id)].slice(0, most).join('\n'));
}
