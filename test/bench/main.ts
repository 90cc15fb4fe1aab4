/** Runs the measurements named on the command line, or all, one after the other; see `npm run bench`. */
import { cpus, totalmem } from 'node:os';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appStart } from './app-start.ts';
import { backendMemory } from './backend-memory.ts';
import { diskIo } from './disk-io.ts';
import { fifty } from './fifty.ts';
import { idle } from './idle.ts';
import { machineList } from './machine-list.ts';
import { meetsGoal, ratio, table, type Measurement } from './measurement.ts';
import { scale } from './scale.ts';
import { snapshots } from './snapshots.ts';
import { startLatency } from './start-latency.ts';
import { upload } from './upload.ts';
import { hashing } from './uploads/hashing.ts';
import { largeUpload } from './uploads/large.ts';
import { packedUpload } from './uploads/packed.ts';
import { vnc } from './vnc.ts';

const benches: Record<string, () => Promise<Measurement[]>> = { start: startLatency, upload, large: largeUpload, packed: packedUpload, hashing, disk: diskIo, vnc, idle, fifty, snapshots, scale, app: appStart, list: machineList, backend: backendMemory };

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`No such measurement: ${unknown.join(', ')}. There are ${Object.keys(benches).join(', ')}.`);
  process.exit(2);
}

const measurements: Measurement[] = [];
for (const [name, measure] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`Measuring ${name}…`);
  measurements.push(...(await measure()));
}
console.log(`\n${table(measurements)}\n`);
for (const { name, note } of measurements) if (note !== undefined) console.log(`${name}: ${note}`);

const results = {
  at: new Date().toISOString(),
  machine: { processor: cpus()[0]?.model, cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30) },
  measurements: measurements.map((m) => ({ ...m, ratio: ratio(m), met: meetsGoal(m) })),
};
writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(results, undefined, 2)}\n`);
