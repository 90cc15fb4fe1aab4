import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SavedViews } from './saved-views.ts';

let folder = '';
let warnings: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-views-'));
  warnings = [];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (): SavedViews => new SavedViews(join(folder, 'views.json'), { warn: (message) => warnings.push(message) });
const context = { signal: new AbortController().signal };

it('has the views again after a restart, the newest of each name', async () => {
  const calls = open().calls();
  await calls['views.save']({ name: 'Mine', query: 'search=a' }, context);
  await calls['views.save']({ name: 'Other', query: '' }, context);
  await calls['views.save']({ name: 'Mine', query: 'search=b' }, context);
  await calls['views.delete']({ name: 'Other' }, context);
  const again = open();
  expect(again.topic.values()).toEqual([{ name: 'Mine', query: 'search=b' }]);
  expect(readdirSync(folder)).toEqual(['views.json']);
  expect(statSync(join(folder, 'views.json')).mode & 0o777).toBe(0o600);
  expect(warnings).toEqual([]);
});

it('puts a file aside that it cannot read, and begins anew', async () => {
  writeFileSync(join(folder, 'views.json'), '[{"name": ""}]');
  const views = open();
  expect(views.topic.values()).toEqual([]);
  await views.calls()['views.save']({ name: 'Mine', query: '' }, context);
  expect(readdirSync(folder).sort()).toEqual(['views.json', 'views.json.damaged']);
  expect(warnings).toHaveLength(1);
});

it('says so when the folder cannot be written, and shows nothing that is not kept', () => {
  const views = open();
  rmSync(folder, { recursive: true });
  expect(() => views.calls()['views.save']({ name: 'Mine', query: '' }, context)).toThrow('could not be saved');
  expect(views.topic.values()).toEqual([]);
});
