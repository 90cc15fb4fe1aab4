/** Where in a YAML document a line is, by its indentation: works while the document is being typed and cannot be parsed. Pure. */

export interface Place {
  /** Keys and places in lists that lead to the object that the line's key is, or would be, in. */
  path: (string | number)[];
  /** The key at the line, as far as it is typed. */
  key: string;
  /** The cursor is behind the key's colon. */
  inValue: boolean;
}

interface Line {
  indent: number;
  /** Columns of the `- ` that begin items on this line. */
  dashes: number[];
  key: string | undefined;
}

const keyPattern = /^(?:"([^"]*)"|'([^']*)'|([^\s#:'"{}[\],&*!|>][^#:]*?))\s*:(?=\s|$)/;

function read(text: string): Line | undefined {
  let indent = text.length - text.trimStart().length;
  let rest = text.trimStart();
  if (rest === '' || rest.startsWith('#')) return undefined;
  const dashes: number[] = [];
  while (/^-(\s|$)/.test(rest)) {
    dashes.push(indent);
    const gap = /^-\s*/.exec(rest)?.[0].length ?? 1;
    indent += gap;
    rest = rest.slice(gap);
  }
  const match = keyPattern.exec(rest);
  return { indent, dashes, key: match ? (match[1] ?? match[2] ?? match[3]) : undefined };
}

/** @param lines of the whole document; @param number of the line, from 0; @param column of the cursor in it */
export function placeAt(lines: readonly string[], number: number, column: number): Place {
  const text = lines[number] ?? '';
  const before = text.slice(0, column);
  const own = read(text) ?? { indent: before.length, dashes: [], key: undefined };
  const content = before.slice(own.indent);
  const colon = content.search(/:(\s|$)/);
  const path: (string | number)[] = [];
  /** What is looked for further up: something that begins left of this. */
  let limit = own.indent;
  const enter = (line: Line, at: number): void => {
    // An item's place is the number of dashes in its column above, up to its list's key.
    for (const dash of [...line.dashes].reverse()) {
      if (dash >= limit) continue;
      path.unshift(countItems(lines, at, dash));
      limit = dash;
    }
  };
  if (own.dashes.length > 0) enter(own, number);
  for (let at = number - 1; at >= 0 && (limit > 0 || typeof path[0] === 'number'); at -= 1) {
    const line = read(lines[at] ?? '');
    if (!line) continue;
    const inList = typeof path[0] === 'number';
    // A list may stand in the same column as its key.
    const isParent = line.key !== undefined && (line.indent < limit || (inList && line.indent === limit && line.dashes.length === 0));
    if (isParent) {
      path.unshift(line.key ?? '');
      limit = line.indent;
    }
    if (line.dashes.some((dash) => dash < limit)) enter(line, at);
  }
  const typed = colon >= 0 ? content.slice(0, colon) : content;
  return { path, key: own.key ?? typed.trim().replace(/^["']|["']$/g, ''), inValue: colon >= 0 };
}

function countItems(lines: readonly string[], from: number, dash: number): number {
  let count = 0;
  for (let at = from - 1; at >= 0; at -= 1) {
    const line = read(lines[at] ?? '');
    if (!line) continue;
    if (line.dashes.includes(dash)) count += 1;
    else if (line.indent <= dash && line.dashes.length === 0) break;
    else if ((line.dashes[0] ?? line.indent) < dash) break;
  }
  return count;
}
