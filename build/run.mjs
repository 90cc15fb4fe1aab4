/**
 * Runs one of the tasks in build/tasks: `node build/run.mjs <task> [arguments]`.
 *
 * This file alone must run on whatever Node a person has: it installs the dependencies when the lock file changed,
 * and they bring the Node that everything else runs on. From the second start on npm finds that Node first, and the
 * task runs in this very process.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const ownNode = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const stamp = join(root, 'node_modules', '.hayloft', 'lock');
const windows = process.platform === 'win32';

const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock || !existsSync(ownNode)) installDependencies();

const [task = '', ...rest] = process.argv.slice(2);
const script = join(root, 'build', 'tasks', `${task}.ts`);
if (!existsSync(script)) {
  console.error(`There is no task "${task}".`);
  process.exit(1);
}
const major = Number(process.versions.node.split('.')[0]);
if (major >= 24) {
  process.argv.splice(1, process.argv.length, script, ...rest);
  await import(pathToFileURL(script).href);
} else {
  const environment = { ...process.env, PATH: join(root, 'node_modules', '.bin') + (windows ? ';' : ':') + process.env.PATH };
  const child = spawn(ownNode, [script, ...rest], { stdio: 'inherit', env: environment });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}

function installDependencies() {
  console.log('Installing dependencies…');
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: windows,
  });
  if (result.status !== 0) {
    console.error('Dependencies could not be installed (npm ci failed, see above). Check the network connection and run the command again.');
    process.exit(1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}
