/** `npm run bench [-- NAME…]`: measures Hayloft against real peers; all of it, or the named measurements. */
import { join } from 'node:path';
import { benchNeeds } from '../../shared/host/packages.ts';
import { bundle } from '../lib/bundle.ts';
import { runTool } from '../lib/run.ts';
import { ensureSystemPackages } from '../lib/system-packages.ts';

const names = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const ready = await ensureSystemPackages(benchNeeds, {
  yes: process.env['CI'] !== undefined || process.argv.includes('--yes'),
  purpose: 'for measuring',
});
if (!ready) process.exit(1);
await bundle();
process.exit(await runTool(join('..', 'test', 'bench', 'main.ts'), names));
