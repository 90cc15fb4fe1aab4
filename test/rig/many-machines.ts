/** An engine with more machines than anyone would make one by one: copies of one that it made itself, put into its store while it rests. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startEngine } from './engine.ts';
import { until } from './until.ts';

interface StoredMachine {
  api_group: string;
  plural: string;
  namespace: string;
  revision: number;
  value: string;
}

/** Name of the machine with this number. */
export function machineName(number: number): string {
  return `machine-${String(number).padStart(5, '0')}`;
}

/**
 * Makes one machine that is off through the engine's API, stops the engine, and copies what it stored.
 * @param engineDir an engine's data folder, to be filled; must be empty or not there
 */
export async function fillStore(engineDir: string, count: number): Promise<void> {
  const engine = await startEngine({ dataDir: engineDir });
  const machines = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';
  const made = await engine.api('POST', machines, {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: machineName(0), labels: { app: 'shop', tier: 'front' } },
    spec: { runStrategy: 'Halted', template: { spec: { domain: { cpu: { cores: 2 }, memory: { guest: '1Gi' }, devices: {} } } } },
  });
  if (made.status !== 201) throw new Error(made.text);
  await until('the machine’s status', async () => {
    const { status } = (await engine.api('GET', `${machines}/${machineName(0)}`)).json<{ status?: { printableStatus?: string } }>();
    return status?.printableStatus === 'Stopped';
  });
  await engine.program.stop();
  copyMachine(join(engineDir, 'engine.db'), count);
}

function copyMachine(database: string, count: number): void {
  const db = new DatabaseSync(database);
  try {
    const query = db.prepare("SELECT api_group, plural, namespace, revision, value FROM objects WHERE plural = 'virtualmachines'");
    const stored = query.get() as unknown as StoredMachine | undefined;
    if (!stored) throw new Error('The engine stored no machine.');
    const { metadata } = JSON.parse(stored.value) as { metadata: { name: string; uid: string } };
    const insert = db.prepare('INSERT INTO objects (api_group, plural, namespace, name, uid, revision, value) VALUES (?, ?, ?, ?, ?, ?, ?)');
    db.exec('BEGIN');
    for (let number = 1; number < count; number++) {
      const name = machineName(number);
      const uid = randomUUID();
      const value = stored.value.replaceAll(metadata.uid, uid).replaceAll(`"${metadata.name}"`, `"${name}"`);
      insert.run(stored.api_group, stored.plural, stored.namespace, name, uid, stored.revision, value);
    }
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}
