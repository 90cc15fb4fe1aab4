/**
 * Finds what `JSON.parse` passes over in silence: object keys that come twice, and keys that would reach the
 * prototype when assigned. Expects text that `JSON.parse` has accepted.
 */

interface Level {
  /** Undefined for arrays. */
  keys: Set<string> | undefined;
  /** The last key, or the index of the element at hand. */
  at: string | number;
}

export interface KeyFindings {
  /** Dotted paths, in the order of the text. */
  duplicates: string[];
  /** Whether a key is `__proto__`. */
  reachesPrototype: boolean;
}

/** Each match is a text, with the colon that makes it a key, or a character that opens, closes or parts. */
const tokens = /"((?:[^"\\]|\\.)*)"(\s*:)?|[{}[\],]/g;

export function inspectKeys(text: string): KeyFindings {
  const findings: KeyFindings = { duplicates: [], reachesPrototype: false };
  const levels: Level[] = [];
  tokens.lastIndex = 0;
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const level = levels.at(-1);
    const raw = match[1];
    if (raw !== undefined) {
      if (match[2] === undefined || level?.keys === undefined) continue;
      const key = raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
      level.at = key;
      if (key === '__proto__') findings.reachesPrototype = true;
      if (level.keys.has(key)) findings.duplicates.push(pathOf(levels));
      level.keys.add(key);
    } else if (match[0] === '{') {
      levels.push({ keys: new Set(), at: '' });
    } else if (match[0] === '[') {
      levels.push({ keys: undefined, at: 0 });
    } else if (match[0] === ',') {
      if (level && typeof level.at === 'number') level.at += 1;
    } else {
      levels.pop();
    }
  }
  return findings;
}

function pathOf(levels: readonly Level[]): string {
  return levels.reduce((path, { at }) => childPath(path, at), '');
}

/** `spec` and `volumes` make `spec.volumes`; `spec.volumes` and 0 make `spec.volumes[0]`. */
export function childPath(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`;
  return path === '' ? step : `${path}.${step}`;
}
