/** Prometheus' text format. Source: prometheus.io, "exposition formats", version 0.0.4. */

export const textContentType = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string | undefined>>;

export interface Family {
  /** Writes a figure; one that is not known is left out, and so is a label without a text. */
  set(value: number | undefined, labels?: Labels): void;
}

/** Collects figures by family: a family's lines stand together, whoever gave them. */
export class Page {
  readonly #families = new Map<string, { head: string; lines: string[] }>();

  /**
   * The family of this name; the same one for everyone.
   * @param help what it means, in a sentence
   */
  family(name: string, type: 'counter' | 'gauge', help: string): Family {
    const head = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    const found = this.#families.get(name) ?? { head, lines: [] };
    this.#families.set(name, found);
    return {
      set: (value, labels = {}) => {
        if (value !== undefined && !Number.isNaN(value)) found.lines.push(`${name}${labelText(labels)} ${numberText(value)}\n`);
      },
    };
  }

  /** Families of which nothing is known are left out. */
  text(): string {
    return [...this.#families.values()].filter(({ lines }) => lines.length > 0).map(({ head, lines }) => head + lines.join('')).join('');
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [`${name}="${escapeValue(value)}"`]));
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeValue = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

/** A label's name may hold letters, digits and underscores: KubeVirt puts an underscore for everything else. */
export const labelName = (text: string): string => text.replaceAll(/[^a-zA-Z0-9_]/g, '_');
