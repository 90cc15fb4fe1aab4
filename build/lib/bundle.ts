/** Builds what runs: the Node programs with Rolldown, the renderer with Vite. Parts that are up to date are left alone. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dist, root } from './root.ts';

interface Part {
  name: string;
  /** Files and folders that it is made from, relative to the checkout. */
  inputs: readonly string[];
  build(): Promise<void>;
}

const common = ['shared', 'build/lib/bundle.ts', 'package-lock.json'];

/** Programs of the backend's threads: files of their own beside it. */
const threads = { 'hash-worker': 'electron/backend/images/checksum/hash-worker.ts' };

const parts: readonly Part[] = [
  {
    name: 'engine',
    inputs: ['electron/engine', ...common],
    build: () => bundleNode('engine', { main: 'electron/engine/main.ts' }),
  },
  {
    name: 'web',
    inputs: ['electron/web', 'electron/backend', ...common],
    build: () => bundleNode('web', { main: 'electron/web/main.ts', ...threads }),
  },
  {
    name: 'desktop',
    inputs: ['electron/desktop', 'electron/backend', ...common],
    build: async () => {
      await bundleNode('desktop', {
        main: 'electron/desktop/main.ts',
        'backend-process': 'electron/desktop/backend-process.ts',
        ...threads,
      });
      // A sandboxed preload script is one CommonJS file: it can load nothing beside itself.
      await bundleNode('preload', { preload: 'electron/desktop/preload.ts' }, 'cjs');
    },
  },
  { name: 'renderer', inputs: ['renderer', 'build/vite.renderer.config.ts', ...common], build: bundleRenderer },
];

/**
 * Brings dist/ up to date.
 * @returns names of the parts that had to be built
 */
export async function bundle(): Promise<string[]> {
  const built: string[] = [];
  for (const part of parts) {
    const stamp = join(dist, `.${part.name}`);
    const fingerprint = fingerprintOf(part.inputs);
    if (readIfThere(stamp) === fingerprint) continue;
    if (built.length === 0) console.log('Building…');
    rmSync(stamp, { force: true });
    await part.build();
    mkdirSync(dist, { recursive: true });
    writeFileSync(stamp, fingerprint);
    built.push(part.name);
  }
  return built;
}

async function bundleNode(folder: string, input: Record<string, string>, format: 'es' | 'cjs' = 'es'): Promise<void> {
  const { build } = await import('rolldown');
  rmSync(join(dist, folder), { recursive: true, force: true });
  const { output } = await build({
    cwd: root,
    input,
    platform: 'node',
    // ws and ssh2 try native helpers and do without them.
    external: ['electron', 'bufferutil', 'utf-8-validate', 'cpu-features', /sshcrypto\.node$/],
    // Packages that were written as CommonJS ask where they are.
    ...(format === 'es' ? { transform: { define: { __dirname: 'import.meta.dirname' } } } : {}),
    output: {
      dir: join(dist, folder),
      format,
      entryFileNames: format === 'cjs' ? '[name].cjs' : '[name].js',
      chunkFileNames: '[name]-[hash].js',
      // What is loaded before main is run before it: what sets the heap must be a piece of its own to come first.
      ...(format === 'es' ? { codeSplitting: { groups: [{ name: 'lean-heap', test: /lean-heap/ }] } } : {}),
    },
    logLevel: 'warn',
  });
  for (const piece of output) if (piece.type === 'chunk') writeFileSync(join(dist, folder, piece.fileName), asAscii(piece.code));
  const modules = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
  writeFileSync(packagesFile(folder), JSON.stringify([...new Set(modules.flatMap(packageOf))].sort()));
}

/** V8 keeps a source with a single other character in two bytes each, for as long as the program runs. */
const asAscii = (code: string): string =>
  code.replace(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

const packagesFile = (folder: string): string => join(dist, `.${folder}.packages`);

/** Names of the packages that are in a part that was built. */
export const bundledPackages = (folder: string): string[] => JSON.parse(readFileSync(packagesFile(folder), 'utf8')) as string[];

function packageOf(module: string): string[] {
  const name = /.*node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(module)?.[1];
  return name === undefined ? [] : [name.replace('\\', '/')];
}

async function bundleRenderer(): Promise<void> {
  const { build } = await import('vite');
  await build({ configFile: join(root, 'build', 'vite.renderer.config.ts'), logLevel: 'warn' });
}

/** Names, sizes and times tell a change as surely as contents do here, and need no reading. */
function fingerprintOf(inputs: readonly string[]): string {
  const hash = createHash('sha256');
  const visit = (path: string): void => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(join(root, path)).sort()) visit(`${path}/${name}`);
    } else if (!path.endsWith('.test.ts')) {
      hash.update(`${path} ${stat.size} ${stat.mtimeMs}\n`);
    }
  };
  inputs.forEach(visit);
  return hash.digest('hex');
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
