/** What Vitest's JSON reports say: how many tests fared how, and which failed. */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './root.ts';

export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

export interface FileReport {
  /** Path of the test file. */
  file: string;
  count: Count;
  /** A line for each failed test: file, name and the first line of the reason. */
  failures: string[];
}

/** The part of Vitest's JSON report that is read here (Jest's format). */
interface Report {
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] | null }[];
  }[];
}

/** Reads a report, file by file. Undefined where there is none that can be read: the run broke. */
export function readReport(path: string): FileReport[] | undefined {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as Report).testResults.map(fileReport);
  } catch {
    return undefined;
  }
}

function fileReport({ name, status, message, assertionResults }: Report['testResults'][number]): FileReport {
  const file = relative(root, name);
  const having = (...statuses: string[]): number => assertionResults.filter((result) => statuses.includes(result.status)).length;
  const failures = assertionResults
    .filter((result) => result.status === 'failed')
    .map((result) => `${file}: ${result.fullName}: ${firstLine(result.failureMessages?.[0])}`);
  // A file can break outside of any test, in a hook or while it is loaded.
  if (status === 'failed' && failures.length === 0) failures.push(`${file}: ${firstLine(message)}`);
  return { file: name, count: { passed: having('passed'), failed: failures.length, skipped: having('pending', 'skipped', 'todo') }, failures };
}

function firstLine(text: string | undefined): string {
  return text?.split('\n').find((line) => line.trim() !== '') ?? 'no reason was given';
}

export function sum(counts: readonly Count[]): Count {
  const total = (key: keyof Count): number => counts.reduce((amount, count) => amount + count[key], 0);
  return { passed: total('passed'), failed: total('failed'), skipped: total('skipped') };
}
