/** The short form of the campaign of broken uploads (test/campaigns/uploads); `npm run campaign -- uploads` is the long one. */
import { expect, it } from 'vitest';
import { uploadCampaign } from '../campaigns/uploads/campaign.ts';

const seed = Date.now() % 2 ** 31;
const rounds = 5;

it(`brings uploads to their end while the backend, the engine or the network is killed (seed ${seed})`, async () => {
  const { done, failed } = await uploadCampaign({ seed, rounds, sizeMiB: 96, report: () => undefined });
  expect(done + failed).toBe(rounds);
  expect(done).toBeGreaterThan(0);
});
