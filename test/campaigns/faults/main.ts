/** `npm run campaign -- faults [--seed S] [--minutes N]`: the fault campaign at full length. */
import { parseArgs } from 'node:util';
import { faultCampaign } from './campaign.ts';

const { values } = parseArgs({ args: process.argv.slice(2), options: { seed: { type: 'string' }, minutes: { type: 'string' } } });
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const minutes = Number(values.minutes ?? 10);
console.log(`Fault campaign, seed ${seed}: ${minutes} min of faults between the app and an engine.`);
try {
  const { episodes, changes, objects, slowestTruthMs, slowestReturnMs } = await faultCampaign({
    seed,
    forMs: minutes * 60_000,
    report: (line) => console.log(line),
  });
  console.log(
    `No change was missed: ${changes} changes over ${episodes} faults, ${objects} objects the same in the end. The truth was told after ` +
      `${Math.round(slowestTruthMs)} ms at the latest, and “ready” after ${Math.round(slowestReturnMs)} ms.`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
