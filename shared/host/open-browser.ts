/** Opening the user's browser. */
import { spawn } from 'node:child_process';

/** The command that opens an address in the user's browser. */
export function browserCommand(platform: NodeJS.Platform): readonly [string, ...string[]] {
  if (platform === 'darwin') return ['open'];
  // Not `cmd /c start`, which would read the address as part of a command line.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return ['xdg-open'];
}

/**
 * Opens an address in the user's browser.
 * @param onFailure told when there is no browser to open; the address is printed anyway
 */
export function openBrowser(url: string, onFailure: () => void): void {
  const [command, ...args] = browserCommand(process.platform);
  const child = spawn(command, [...args, url], { detached: true, stdio: 'ignore' });
  let failed = false;
  const fail = (): void => {
    if (!failed) onFailure();
    failed = true;
  };
  child.on('error', fail);
  child.on('exit', (code) => {
    if (code !== 0) fail();
  });
  child.unref();
}
