/** Values that come one a line, as Kubernetes' watches send them. */

const newline = 0x0a;

/**
 * Parses each whole line as it comes; an unfinished last line is dropped. Splits at line feeds alone: JSON may hold
 * other characters (U+2028) that Node's `readline` takes for line ends.
 */
export async function* jsonLines<T>(chunks: AsyncIterable<Buffer>): AsyncGenerator<T, void> {
  let unfinished: Buffer[] = [];
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      const line = Buffer.concat([...unfinished, chunk.subarray(from, at)]).toString();
      unfinished = [];
      from = at + 1;
      if (line.trim() !== '') yield JSON.parse(line) as T;
    }
    if (from < chunk.length) unfinished.push(chunk.subarray(from));
  }
}
