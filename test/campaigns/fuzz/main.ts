/** `npm run campaign -- fuzz [--seed S] [--count N]`: the fuzz campaign at full size. */
import { parseArgs } from 'node:util';
import { fuzzCampaign } from './campaign.ts';

const { values } = parseArgs({ args: process.argv.slice(2), options: { seed: { type: 'string' }, count: { type: 'string' } } });
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const count = Number(values.count ?? 10_000);
console.log(`Fuzz campaign, seed ${seed}: ${count} malformed requests.`);
try {
  const { statuses, grownKb } = await fuzzCampaign({ seed, count });
  const counts = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${status || 'closed'}: ${times}`);
  console.log(`All were answered or closed (${counts.join(', ')}); the engine grew by ${grownKb} KiB.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
