/** `npm run campaign -- uploads [--seed S] [--rounds N] [--size MIB]`: the campaign of broken uploads at full length. */
import { parseArgs } from 'node:util';
import { uploadCampaign } from './campaign.ts';

const { values } = parseArgs({ args: process.argv.slice(2), options: { seed: { type: 'string' }, rounds: { type: 'string' }, size: { type: 'string' } } });
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const rounds = Number(values.rounds ?? 50);
const sizeMiB = Number(values.size ?? 256);
console.log(`Upload campaign, seed ${seed}: ${rounds} uploads of ${sizeMiB} MiB, in each of which something is killed.`);
try {
  const { done, failed } = await uploadCampaign({ seed, rounds, sizeMiB, report: (line) => console.log(line) });
  console.log(`${done} uploads became images with the file’s SHA-256; ${failed} ended with a reason, or were never begun. None left anything behind.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
