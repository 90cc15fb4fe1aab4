/** Licence texts of what is in a bundle. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../root.ts';

/** @param packages names of packages in node_modules */
export function placeLicences(packages: readonly string[], folder: string): void {
  for (const name of packages) {
    const from = join(root, 'node_modules', name);
    const to = join(folder, 'licences', name.replace('/', '+'));
    mkdirSync(to, { recursive: true });
    const { version, license } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as { version: string; license?: string };
    writeFileSync(join(to, 'PACKAGE'), `${name} ${version}\nLicence: ${license ?? 'see the text'}\n`);
    for (const file of readdirSync(from)) if (/^(licen[cs]e|notice|copying)/i.test(file)) cpSync(join(from, file), join(to, file));
  }
  const own = join(root, 'LICENSE');
  if (existsSync(own)) cpSync(own, join(folder, 'LICENSE'));
}
