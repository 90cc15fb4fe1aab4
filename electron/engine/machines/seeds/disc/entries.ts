/**
 * What goes onto a disc, as a tree whose folders and files know their names in both of its directories. Names in the
 * plain directory are of the oldest form (8.3, capitals): every reader of today takes the others.
 */

export interface DiscFile {
  kind: 'file';
  name: string;
  plainName: string;
  content: Uint8Array;
  /** The sector where it begins; known once the disc is laid out. */
  sector: number;
}

export interface DiscFolder {
  kind: 'folder';
  /** Empty for the root. */
  name: string;
  plainName: string;
  parent: DiscFolder | undefined;
  entries: (DiscFile | DiscFolder)[];
}

/** Longer ones would need continuation areas, which no seed does. */
export const longestName = 128;

/**
 * @param files by path, with `/` between folders
 * @returns the root
 * @throws Error when a name does not fit
 */
export function treeOf(files: ReadonlyMap<string, Uint8Array>): DiscFolder {
  const root: DiscFolder = { kind: 'folder', name: '', plainName: '', parent: undefined, entries: [] };
  for (const [path, content] of files) {
    const names = path.split('/');
    const name = names.pop() ?? '';
    const folder = names.reduce(folderIn, root);
    folder.entries.push({ kind: 'file', name: checked(name), plainName: '', content, sector: 0 });
  }
  for (const folder of foldersOf(root)) giveNames(folder);
  return root;
}

/** All folders, parents before children, level by level: the order of a path table. */
export function foldersOf(root: DiscFolder): DiscFolder[] {
  const all = [root];
  for (const folder of all) {
    for (const entry of folder.entries) if (entry.kind === 'folder') all.push(entry);
  }
  return all;
}

export const filesOf = (root: DiscFolder): DiscFile[] =>
  foldersOf(root).flatMap(({ entries }) => entries.filter((entry) => entry.kind === 'file'));

function folderIn(parent: DiscFolder, name: string): DiscFolder {
  const found = parent.entries.find((entry) => entry.kind === 'folder' && entry.name === name);
  if (found?.kind === 'folder') return found;
  const made: DiscFolder = { kind: 'folder', name: checked(name), plainName: '', parent, entries: [] };
  parent.entries.push(made);
  return made;
}

function checked(name: string): string {
  if (name !== '' && Buffer.byteLength(name) <= longestName) return name;
  throw new Error(`"${name.slice(0, 40)}…" is too long for a file's name on a disc: ${longestName} characters at most.`);
}

function giveNames(folder: DiscFolder): void {
  const taken = new Set<string>();
  for (const entry of folder.entries) {
    entry.plainName = plain(entry, taken);
    taken.add(entry.plainName);
  }
}

function plain(entry: DiscFile | DiscFolder, taken: ReadonlySet<string>): string {
  const clean = (text: string, length: number): string => text.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_').slice(0, length);
  const dot = entry.kind === 'file' ? entry.name.lastIndexOf('.') : -1;
  const stem = clean(dot > 0 ? entry.name.slice(0, dot) : entry.name, 8);
  const end = entry.kind === 'folder' ? '' : `.${dot > 0 ? clean(entry.name.slice(dot + 1), 3) : ''};1`;
  let name = stem + end;
  for (let number = 1; taken.has(name); number++) name = stem.slice(0, 8 - String(number).length) + String(number) + end;
  return name;
}
