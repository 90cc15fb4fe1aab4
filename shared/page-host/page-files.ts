/** The built renderer, as both hosts serve it. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';

export interface PageFile {
  bytes: Uint8Array<ArrayBuffer>;
  contentType: string;
  /** A strong validator, quoted as the header wants it. */
  etag: string;
  cacheControl: string;
}

export interface PageFiles {
  /**
   * The file for a request's path (`/assets/app-1a2b.js`), still percent-encoded. Paths that name no file and have
   * no extension are addresses inside the app and get its page. Undefined: there is none.
   */
  find(path: string): PageFile | undefined;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
};

/**
 * Reads the built renderer into memory: it is small, no request can then name a file outside it, and a rebuild
 * under a running app does not mix two versions.
 * @param directory the built renderer (`dist/renderer`)
 * @throws Error when the folder or its index.html is missing
 */
export async function readPageFiles(directory: string): Promise<PageFiles> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = new Map<string, PageFile>();
  await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const name = `/${relative(directory, path).replaceAll(sep, '/')}`;
        files.set(name, describe(name, new Uint8Array(await readFile(path))));
      }),
  );
  const index = files.get('/index.html');
  if (index === undefined) throw new Error(`The built renderer has no index.html (looked in ${directory}).`);
  return {
    find: (path) => {
      let name: string;
      try {
        name = decodeURIComponent(path);
      } catch {
        return undefined;
      }
      return files.get(name) ?? (extname(name) === '' && !name.includes('..') ? index : undefined);
    },
  };
}

function describe(name: string, bytes: Uint8Array<ArrayBuffer>): PageFile {
  return {
    bytes,
    contentType: contentTypes[extname(name)] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    // The bundler puts a hash of the contents into the names of what it puts into assets/.
    cacheControl: name.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
  };
}
