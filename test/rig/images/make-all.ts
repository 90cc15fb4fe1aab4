/** Makes every test image that is not there yet: `node test/rig/images/make-all.ts`. */
import { rigImage, rigImageNames } from './rig-image.ts';

for (const name of rigImageNames) rigImage(name);
