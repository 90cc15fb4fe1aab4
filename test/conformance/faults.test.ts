/** The short form of the fault campaign (test/campaigns/faults); `npm run campaign -- faults` is the long one. */
import { expect, it } from 'vitest';
import { faultCampaign } from '../campaigns/faults/campaign.ts';

const seed = Date.now() % 2 ** 31;
const shortMs = 35_000;

it(`tells the truth within five seconds and misses no change over a faulty network (seed ${seed})`, async () => {
  const result = await faultCampaign({ seed, forMs: shortMs, report: () => undefined });
  expect(result.episodes).toBeGreaterThan(3);
  expect(result.objects).toBeGreaterThan(0);
});
