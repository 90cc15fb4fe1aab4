/**
 * Has certificates made by a process of its own, which takes the library's memory along when it ends. Keys go through
 * pipes, never through arguments.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Issue, Issued, IssueRequest } from './key-pair.ts';

/** The argument by which the engine's program is asked to be that process. */
export const issueArgument = '--issue-certificates';

/** @param program path of a script that calls {@link serveIssue} when it is given {@link issueArgument} */
export function issueBy(program: string): Issue {
  return async (request) => {
    const child = spawn(process.execPath, [program, issueArgument], { stdio: 'pipe', windowsHide: true });
    child.stdin.on('error', () => undefined); // It ended early: told by its exit code.
    child.stdin.end(JSON.stringify(request));
    const [output, words] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    if (child.exitCode !== 0) throw new Error(`Certificates could not be made: ${words.trim()}`);
    return JSON.parse(output) as Issued;
  };
}

/** The other side: reads a request from stdin and answers on stdout. */
export async function serveIssue(): Promise<void> {
  const { issue } = await import('./issue.ts');
  const request = JSON.parse(await text(process.stdin)) as IssueRequest;
  process.stdout.write(JSON.stringify(await issue(request)));
}
