/** `npm run campaign -- crash [--seed S] [--rounds N] [--guest-kills N]`: the crash campaign at full size. */
import { parseArgs } from 'node:util';
import { crashCampaign } from './campaign.ts';
import { canFillADisk, diskFullCampaign, spoiltLogCampaign } from './damage.ts';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { seed: { type: 'string' }, rounds: { type: 'string' }, 'guest-kills': { type: 'string' } },
});
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const engineKills = Number(values.rounds ?? 200);
const guestKills = Number(values['guest-kills'] ?? Math.ceil(engineKills / 4));
console.log(`Crash campaign, seed ${seed}: the engine is killed ${engineKills} times, guests ${guestKills} times.`);
const begun = performance.now();
const report = (line: string): void => console.log(line);
const damages = Math.max(1, Math.ceil(engineKills / 20));
try {
  await spoiltLogCampaign(seed, damages, report);
  if (canFillADisk()) await diskFullCampaign(seed, damages, report);
  else console.log('The disk is not filled: that takes root, who may mount a small one.');
  const result = await crashCampaign({ seed, engineKills, guestKills, report });
  console.log(
    `Nothing was lost, doubled or left over: ${result.operations} operations, ${result.engineKills} kills of the engine, ` +
      `${result.guestKills} of guests, in ${Math.round((performance.now() - begun) / 1000)} s.`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
