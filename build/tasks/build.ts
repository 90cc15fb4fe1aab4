import { bundle } from '../lib/bundle.ts';

const built = await bundle();
console.log(built.length === 0 ? 'Everything is up to date.' : `Built ${built.join(', ')}.`);
