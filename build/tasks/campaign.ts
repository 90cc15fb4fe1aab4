/** `npm run campaign -- NAME [arguments]`: a long test of one property, in test/campaigns/NAME; prints its seed. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { testingNeeds } from '../../shared/host/packages.ts';
import { bundle } from '../lib/bundle.ts';
import { root } from '../lib/root.ts';
import { runTool } from '../lib/run.ts';
import { ensureSystemPackages } from '../lib/system-packages.ts';

const folder = join(root, 'test', 'campaigns');
const campaigns = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'main.ts')));
const [name = '', ...rest] = process.argv.slice(2);
if (!campaigns.includes(name)) {
  console.error(`Which campaign? There are: ${campaigns.join(', ')}.`);
  process.exit(2);
}
const ready = await ensureSystemPackages(testingNeeds, { yes: process.env['CI'] !== undefined, purpose: 'for the campaign' });
if (!ready) process.exit(1);
await bundle();
process.exit(await runTool(join('..', 'test', 'campaigns', name, 'main.ts'), rest));
