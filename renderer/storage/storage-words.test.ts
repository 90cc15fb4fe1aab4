import { describe, expect, it } from 'vitest';
import type { StorageVolumeRow } from '#shared/contract/storage.ts';
import { matches, usedWords, worstFirst } from './storage-words.ts';

const row = (claim: string, tone: StorageVolumeRow['tone'], more: Partial<StorageVolumeRow> = {}): StorageVolumeRow => ({
  ...{ kind: 'volume', key: `volume/default/${claim}`, clusterId: 'barn', namespace: 'default', claim, machines: [], nodes: [], tone, label: tone, sentence: '' },
  ...more,
});

describe('the list of volumes', () => {
  it('begins with what needs somebody', () => {
    const rows = [row('b', 'good'), row('d', 'warning'), row('a', 'off'), row('c', 'bad')];
    expect(rows.sort(worstFirst).map(({ claim }) => claim)).toEqual(['c', 'd', 'a', 'b']);
  });

  it('is searched by names, machines, nodes and states', () => {
    const volume = row('web-root', 'bad', { machines: ['web'], nodes: ['rack-2'], label: 'Faulted', storageClass: 'longhorn' });
    for (const found of ['ROOT', 'web', 'rack-2', 'faulted', 'longhorn', ' ', 'default']) expect(matches(volume, found), found).toBe(true);
    expect(matches(volume, 'rack-3')).toBe(false);
  });

  it('never shows what is not known as nothing', () => {
    expect(usedWords({})).toBe('Not known');
    expect(usedWords({ usedBytes: 0 })).toMatch(/^0/);
  });
});
