/** An ESLint rule: which folders may not import from which. Imports are followed to the file that they name. */
import { dirname, join, relative, resolve, sep } from 'node:path';

/** Folders, and those that they must not reach into. */
const walls = [
  { from: 'shared', to: ['electron', 'renderer'], why: 'shared/ imports nothing but shared/.' },
  { from: 'renderer', to: ['electron'], why: 'the renderer reaches the backend through the contract.' },
  { from: 'electron/backend', to: ['electron/engine', 'electron/desktop', 'electron/web', 'renderer'], why: 'the backend reaches the engine through the Kubernetes API.' },
  { from: 'electron/engine', to: ['electron/backend', 'electron/desktop', 'electron/web', 'renderer'], why: 'the engine stands alone.' },
  { from: 'electron/web', to: ['electron/engine', 'electron/desktop', 'renderer'], why: 'a host knows the backend alone.' },
  { from: 'electron/desktop', to: ['electron/engine', 'electron/web', 'renderer'], why: 'a host knows the backend alone.' },
];

const root = join(import.meta.dirname, '..', '..');
const within = (path, folder) => path === folder || path.startsWith(`${folder}/`);
const inProject = (path) => relative(root, path).split(sep).join('/');

function target(source, file) {
  if (source.startsWith('.')) return inProject(resolve(dirname(file), source));
  return source.startsWith('#') ? source.slice(1) : undefined;
}

export default {
  meta: { type: 'problem', schema: [], messages: { wall: '{{from}} must not import from {{to}}: {{why}}' } },
  create(context) {
    const file = inProject(context.filename);
    // Tests may build on the rig and on each other's parts.
    const own = file.includes('.test.') ? [] : walls.filter(({ from }) => within(file, from));
    const check = (node) => {
      const path = node.source && typeof node.source.value === 'string' ? target(node.source.value, context.filename) : undefined;
      if (path === undefined) return;
      for (const { from, to, why } of own) {
        const forbidden = to.find((folder) => within(path, folder));
        if (forbidden !== undefined) context.report({ node: node.source, messageId: 'wall', data: { from, to: forbidden, why } });
      }
    };
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check };
  },
};
