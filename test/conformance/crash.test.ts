/** The short form of the crash campaign (test/campaigns/crash); `npm run campaign -- crash` is the long one. */
import { expect, it } from 'vitest';
import { crashCampaign } from '../campaigns/crash/campaign.ts';
import { canFillADisk, diskFullCampaign, spoiltLogCampaign } from '../campaigns/crash/damage.ts';

const seed = Date.now() % 2 ** 31;
const silent = (): void => undefined;

it(`loses, doubles and leaves nothing when the engine and its guests are killed at work (seed ${seed})`, async () => {
  const result = await crashCampaign({ seed, engineKills: 12, guestKills: 4, report: silent });
  expect(result.engineKills).toBe(12);
  expect(result.operations).toBeGreaterThan(0);
});

it(`opens its database after the end of the log was spoilt (seed ${seed})`, () => spoiltLogCampaign(seed, 2, silent));

it.runIf(canFillADisk())(`survives a full disk (seed ${seed})`, () => diskFullCampaign(seed, 2, silent));
