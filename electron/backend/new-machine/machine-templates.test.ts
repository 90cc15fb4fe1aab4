import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { MachineTemplate } from '#shared/contract/machine-templates.ts';
import { MachineTemplates } from './machine-templates.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-templates-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (): MachineTemplates => new MachineTemplates(join(folder, 'templates.json'), { warn: (message) => expect.fail(message) });
const context = { signal: new AbortController().signal };
const template: Omit<MachineTemplate, 'saved'> = {
  name: 'Web',
  machine: {
    source: { kind: 'disk', image: 'debian-12' },
    ...{ cores: 2, memoryBytes: 2 ** 31, diskBytes: 2 ** 34 },
    ...{ firmware: 'uefi', tpm: false, diskBus: 'virtio', runStrategy: 'RerunOnFailure' },
    networks: [{ kind: 'nat', model: 'virtio', forwards: [{ port: 22, protocol: 'TCP' }] }],
  },
  secretsLeftOut: false,
};

it('has templates again after a restart, renamed, and without those that were removed', async () => {
  const calls = open().calls();
  await calls['templates.save'](template, context);
  await calls['templates.save']({ ...template, name: 'Other' }, context);
  await calls['templates.rename']({ name: 'Web', newName: 'Web server' }, context);
  expect(() => calls['templates.rename']({ name: 'Other', newName: 'Web server' }, context)).toThrow('There is a template called “Web server” already.');
  await calls['templates.delete']({ name: 'Other' }, context);
  expect(open().topic.values()).toEqual([{ ...template, name: 'Web server', saved: expect.any(Number) as number }]);
  expect(statSync(join(folder, 'templates.json')).mode & 0o777).toBe(0o600);
});

it('writes nothing secret to the disk', async () => {
  const templates = open();
  const userData = '#cloud-config\nhostname: web\nusers:\n  - name: anna\n    passwd: $6$salt$hash\n    plain_text_passwd: loft\n';
  await templates.calls()['templates.save']({ ...template, cloudInit: { kind: 'text', userData } }, context);
  expect(templates.topic.get('Web')).toMatchObject({
    cloudInit: { userData: '#cloud-config\nhostname: web\nusers:\n  - name: anna\n' },
    secretsLeftOut: true,
  });
  const script = '#!/bin/sh\ncurl -H "token: abc" http://loft/\n';
  await templates.calls()['templates.save']({ ...template, name: 'Script', cloudInit: { kind: 'text', userData: script } }, context);
  expect(templates.topic.get('Script')).not.toHaveProperty('cloudInit');
  const kept = readFileSync(join(folder, 'templates.json'), 'utf8');
  expect(kept).not.toMatch(/salt|loft|abc/);
});
