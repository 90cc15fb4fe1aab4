import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnyDefinition, EngineModule } from '../../../electron/engine/api/definition.ts';
import { engineParts } from '../../../electron/engine/parts.ts';
import { useEngine } from '../conformance-engine.ts';
import { fieldsOf, type Field } from './schema-fields.ts';
import { nameOf, servedSubresources, subresources } from './subresources.ts';
import { tryField, type Verdict } from './trial.ts';
import { renderTable, type KindRows } from './render.ts';

const engine = useEngine();
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
let folder = '';
let modules: EngineModule[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-table-'));
  const parts = engineParts(() => Promise.reject(new Error('Nothing is issued here.')));
  modules = parts.createModules({ dataDir: folder, log: silent, served: () => [] });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** KubeVirt's and CDI's kinds that are kept; the ones that are only asked are covered by their own tests. */
const kubeVirtKinds = (): AnyDefinition[] =>
  modules
    .flatMap((module) => module.definitions)
    .filter((definition) => definition.group.endsWith('kubevirt.io') && !definition.answer)
    // Of a kind that is served in several versions of one shape, the first.
    .filter(({ group, plural }, index, all) => all.findIndex((other) => other.group === group && other.plural === plural) === index);

/** What a machine needs before one more field can be judged. */
const bases: Record<string, Record<string, unknown>> = {
  VirtualMachine: { spec: { runStrategy: 'Halted', template: { spec: { domain: { memory: { guest: '64Mi' }, devices: {} } } } } },
  VirtualMachineInstance: { spec: { domain: { memory: { guest: '64Mi' }, devices: {} } } },
};

describe('KubeVirt’s API', () => {
  const rows: KindRows[] = [];

  it('is honoured or refused by path, field for field: nothing is ignored', async () => {
    for (const definition of kubeVirtKinds()) {
      const fields: [Field, Verdict][] = [];
      for (const field of fieldsOf(definition)) {
        fields.push([field, await tryField(engine.rig, definition, field, bases[definition.kind])]);
      }
      rows.push({ definition, fields });
      const wrong = fields.filter(([field, { state }]) => state === 'ignored' || (field.refused !== undefined && state !== 'refused'));
      expect(wrong.map(([field, { state }]) => `${definition.kind} ${field.steps.join('.')}: ${state}`)).toEqual([]);
    }
  });

  it('has the subresources that it says it has', async () => {
    const served = await servedSubresources(engine.rig);
    const wrong = subresources.filter((item) => item.refused === undefined && !served.has(nameOf(item)));
    expect(wrong.map(nameOf)).toEqual([]);
  });

  it('is told by the table in docs as it was found', async () => {
    await expect(renderTable(rows, subresources)).toMatchFileSnapshot('../../../docs/kubevirt-api.md');
  });
});
