/** The short form of the fuzz campaign (test/campaigns/fuzz); `npm run campaign -- fuzz` is the long one. */
import { expect, it } from 'vitest';
import { fuzzCampaign } from '../campaigns/fuzz/campaign.ts';

const seed = Date.now() % 2 ** 31;

it(`survives malformed requests (seed ${seed})`, async () => {
  const { statuses } = await fuzzCampaign({ seed, count: 1000 });
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 404]));
}, 60_000);
