/**
 * `/healthz`, `/livez` and `/readyz`, in a word or with each check by its name (`?verbose`, `/readyz/store`).
 * Source: kubernetes.io, API health endpoints.
 */
import type { Answer } from './http/respond.ts';

export interface HealthCheck {
  name: string;
  /** Whether it says something about being ready only, and nothing about being alive. */
  readiness?: true;
  /** Throws when something is wrong. */
  run(): void;
}

const roots = ['healthz', 'livez', 'readyz'];

export class Health {
  readonly #checks: readonly HealthCheck[];

  constructor(checks: readonly HealthCheck[]) {
    this.#checks = [{ name: 'ping', run: () => undefined }, ...checks];
  }

  /**
   * @param query `verbose`: a line a check; `exclude`: names of checks that do not count
   * @returns undefined when the path is no health path
   */
  answer(path: string, query: URLSearchParams): Answer | undefined {
    const [root = '', name, ...rest] = path.slice(1).split('/');
    if (!roots.includes(root) || rest.length > 0) return undefined;
    const asked = this.#checks.filter((check) => (check.readiness !== true || root === 'readyz') && (!name || check.name === name));
    if (asked.length === 0) return undefined;
    const excluded = query.getAll('exclude');
    const lines: string[] = [];
    let well = true;
    for (const check of asked) {
      const skipped = excluded.includes(check.name);
      const passed = skipped || passes(check);
      well &&= passed;
      lines.push(skipped ? `[+]${check.name} excluded: ok` : passed ? `[+]${check.name} ok` : `[-]${check.name} failed: reason withheld`);
    }
    const told = name ? `${root}/${name}` : root;
    if (well && !query.has('verbose')) return text(200, 'ok');
    return text(well ? 200 : 500, `${lines.join('\n')}\n${told} check ${well ? 'passed' : 'failed'}\n`);
  }
}

function passes(check: HealthCheck): boolean {
  try {
    check.run();
    return true;
  } catch {
    return false;
  }
}

const text = (status: number, body: string): Answer => ({
  status,
  body: Buffer.from(body),
  contentType: 'text/plain; charset=utf-8',
  headers: { 'x-content-type-options': 'nosniff' },
});
