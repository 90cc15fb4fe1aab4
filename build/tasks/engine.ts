/** `npm run engine -- --data-dir DIR [--port N]`: the engine alone, in the foreground. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from '../lib/bundle.ts';
import { dist } from '../lib/root.ts';

await bundle();
await import(pathToFileURL(join(dist, 'engine', 'main.js')).href);
