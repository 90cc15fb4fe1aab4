/** What is wrong with cloud-init's user-data, before a guest reads it. Pure. */
import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { knownKeys } from './known-keys.ts';

/** What KubeVirt takes in the machine itself; more goes into a Secret. */
export const mostInlineBytes = 2048;
/** Kubernetes' bound for a Secret is 1 MiB; the rest is for its name and its labels. */
export const mostUserDataBytes = 1_000_000;

export interface UserDataFinding {
  /** Where, as offsets in the text. */
  from: number;
  to: number;
  /** From 1. */
  line: number;
  column: number;
  severity: 'error' | 'warning';
  message: string;
}

const header = '#cloud-config';
/** Beginnings of what cloud-init takes and that is no YAML. Source: its reference of user-data formats. */
const otherFormats = /^(#!|#include|#cloud-boothook|#part-handler|#upstart-job|#cloud-config-archive|#cloud-config-jsonp|## template: jinja|Content-Type: multipart|MIME-Version:)/;

/** @returns errors, for which the guest would pass over all of it, and warnings */
export function checkUserData(text: string): UserDataFinding[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines });
  const finding = (severity: UserDataFinding['severity'], from: number, to: number, message: string): UserDataFinding => {
    const { line, col } = lines.linePos(from);
    return { from, to: Math.max(from + 1, to), line: Math.max(1, line), column: Math.max(1, col), severity, message };
  };
  const bytes = new TextEncoder().encode(text).length;
  const [first = ''] = text.split('\n');
  if (text.trim() === '') return [finding('error', 0, 1, `There is nothing here. The first line is to be ${header}.`)];
  if (bytes > mostUserDataBytes) {
    return [finding('error', 0, first.length, `It has ${bytes} bytes, and a Secret holds ${mostUserDataBytes} at most.`)];
  }
  if (otherFormats.test(text) && first.trimEnd() !== header) {
    return [finding('warning', 0, first.length, 'This is not a #cloud-config; cloud-init takes it, but it is not checked here.')];
  }
  const found: UserDataFinding[] = [];
  if (first.trimEnd() !== header) {
    found.push(finding('error', 0, first.length, `The first line is to be ${header}; cloud-init passes over the rest otherwise.`));
  }
  found.push(...document.errors.map(({ pos, message }) => finding('error', pos[0], pos[1], sentence(message))));
  if (document.errors.length > 0) return found;
  found.push(...document.warnings.map(({ pos, message }) => finding('warning', pos[0], pos[1], sentence(message))));
  const contents: unknown = document.contents;
  if (contents === null || (isScalar(contents) && contents.value === null)) return found;
  if (!isMap(contents)) {
    const [from, to] = isNode(contents) && contents.range ? contents.range : [0, 1];
    return [...found, finding('error', from, to, 'Below the first line there are to be keys with values, such as “hostname: web”.')];
  }
  for (const { key } of contents.items) {
    const name = isScalar(key) ? String(key.value) : String(key);
    if (knownKeys.has(name)) continue;
    const [from, to] = isScalar(key) && key.range ? key.range : [0, 1];
    found.push(finding('warning', from, to, `cloud-init does not know “${name}”, and would pass over it.`));
  }
  return found;
}

/** The first finding that keeps the guest from reading it, as a sentence with its place. */
export function userDataProblem(text: string): string | undefined {
  const error = checkUserData(text).find(({ severity }) => severity === 'error');
  return error && `Line ${error.line}, column ${error.column}: ${error.message}`;
}

function sentence(text: string): string {
  const [line = ''] = text.split('\n');
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
