/** What the QEMU of this computer can be: boards, processors and their features. Asked once of each QEMU, and remembered. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Verdict } from './acceleration/acceleration.ts';

export interface Offers {
  /** `q35`, `pc-q35-7.2` … */
  machines: string[];
  /** `Haswell-noTSX` … */
  models: string[];
  /** By QEMU's name: whether guests can have it here. */
  features: Record<string, boolean>;
}

const limitMs = 20_000;

/** @throws Error when QEMU does not answer */
export async function findOffers({ qemuPath = '', accelerator, cpuModel }: Verdict, cacheDir: string): Promise<Offers> {
  const file = join(cacheDir, 'offers.json');
  const key = `${qemuPath} ${statSync(qemuPath).mtimeMs} ${accelerator} ${cpuModel}`;
  const remembered = recall(file, key);
  if (remembered) return remembered;
  const [model = 'max'] = cpuModel.split(',');
  const offers = parseOffers(await ask(qemuPath, accelerator, [
    ['query-machines'],
    ['query-cpu-definitions'],
    ['query-cpu-model-expansion', { type: 'full', model: { name: model } }],
  ]));
  mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.partial`, JSON.stringify({ key, offers }));
  renameSync(`${file}.partial`, file);
  return offers;
}

/** KubeVirt's names are libvirt's, which has underscores where QEMU has hyphens. */
export function featureName(name: string, { features }: Offers): string | undefined {
  return [name, name.replaceAll('_', '-'), name.replaceAll('.', '-')].find((candidate) => Object.hasOwn(features, candidate));
}

function parseOffers([machines, models, expansion]: readonly unknown[]): Offers {
  const { props } = (expansion as { model: { props: Record<string, unknown> } }).model;
  return {
    machines: (machines as { name: string; alias?: string }[]).flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias])),
    models: (models as { name: string }[]).map(({ name }) => name),
    features: Object.fromEntries(Object.entries(props).filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean')),
  };
}

/** Starts a QEMU without a machine, asks it, and lets it end. */
function ask(qemu: string, accelerator: string, commands: readonly (readonly [string, object?])[]): Promise<unknown[]> {
  const lines = [['qmp_capabilities'] as const, ...commands, ['quit'] as const].map(([execute, args], id) =>
    JSON.stringify({ execute, ...(args ? { arguments: args } : {}), id }),
  );
  return new Promise((resolve, reject) => {
    const args = ['-M', 'none', '-accel', accelerator, '-nodefaults', '-no-user-config', '-display', 'none', '-qmp', 'stdio'];
    const child = execFile(qemu, args, { timeout: limitMs, maxBuffer: 2 ** 25 }, (error, stdout) => {
      if (error) { reject(new Error(error.message, { cause: error })); return; }
      const answers = stdout.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as { id?: number; return?: unknown });
      const found = commands.map((_command, index) => answers.find(({ id }) => id === index + 1)?.return);
      if (found.includes(undefined)) reject(new Error('QEMU did not tell what it offers.'));
      else resolve(found);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(`${lines.join('\n')}\n`);
  });
}

function recall(file: string, key: string): Offers | undefined {
  try {
    const saved = JSON.parse(readFileSync(file, 'utf8')) as { key: string; offers: Offers };
    return saved.key === key ? saved.offers : undefined;
  } catch {
    // None yet, or damaged: QEMU is asked.
    return undefined;
  }
}
