import { describe, expect, it } from 'vitest';
import { noCloudInitAnswers } from '#shared/cloud-init/user-data.ts';
import type { Image } from '#shared/contract/images.ts';
import type { Offers } from '#shared/contract/new-machine.ts';
import type { Answers } from './answers.ts';
import { natCard } from './network-answers.ts';
import { answersOfTemplate, missingFor, templateOf, type Present } from './template-answers.ts';

const image: Image = {
  ...{ clusterId: 'local', namespace: 'default', name: 'debian-12', key: 'local/default/debian-12', displayName: 'debian-12.iso' },
  ...{ kind: 'disk', state: 'ready', created: 0, usedBy: [] },
};
const type = { name: 'u1.medium', cores: 1, memoryBytes: 2 ** 32 };
const none = { items: [] };
const offers: Offers = {
  ...{ volumes: none, snapshots: none, preferences: none },
  instancetypes: { items: [type] },
  networks: { items: [{ network: 'default/lan', binding: 'bridge' }] },
  storageClasses: { items: [{ name: 'fast', isDefault: false }] },
};
const all: Present = { images: [image], offers };
const answers: Answers = {
  source: { kind: 'image', image },
  ...{ name: 'web', description: 'Serves.', sizing: 'type', cores: 1, memoryGib: 4, type, preference: '' },
  ...{ diskGib: 20, storageClass: 'fast', firmware: 'secure', tpm: true, diskBus: 'scsi', runStrategy: 'Manual' },
  cards: [
    { ...natCard(), forwards: [{ port: 22, protocol: 'TCP', nodePort: 30_022 }] },
    { ...natCard(), on: 'default/lan', mac: '52:54:00:12:34:56' },
  ],
  cloudInit: { on: true, form: { ...noCloudInitAnswers, user: 'anna', passwordHash: '$6$salt$hash', packages: ['vim'] }, text: undefined },
};
const saved = (): ReturnType<typeof templateOf> & { saved: number } => ({ ...templateOf('Web', answers), saved: 1 });

describe('a template', () => {
  it('gives the answers again, without the name and what is secret', () => {
    const template = saved();
    expect(JSON.stringify(template)).not.toContain('salt');
    expect(template.secretsLeftOut).toBe(true);
    const form = { ...answers.cloudInit.form, passwordHash: undefined };
    expect(answersOfTemplate(template, all)).toEqual({ ...answers, name: undefined, cloudInit: { on: true, form, text: undefined } });
    expect(missingFor(template, all)).toEqual([]);
  });

  it('says what is gone, and leaves it open', () => {
    const template = saved();
    const nothing: Present = { images: [], offers: { ...offers, instancetypes: none, networks: none, storageClasses: none } };
    expect(missingFor(template, nothing)).toEqual([
      'Its image “debian-12” is gone.',
      'Its instance type “u1.medium” is gone.',
      'Its storage class “fast” is gone.',
      'Its network “default/lan” is gone.',
    ]);
    expect(answersOfTemplate(template, nothing)).toMatchObject({ source: undefined, type: undefined, storageClass: '', cards: [{ on: 'nat' }] });
  });

  it('says nothing of what is not known yet', () => {
    expect(missingFor(saved(), { images: [image], offers: undefined })).toEqual([]);
  });
});
