import { describe, expect, it } from 'vitest';
import { parseFieldSelector } from './fields.ts';
import { parseLabelSelector } from './labels.ts';

const labels = { app: 'web', tier: 'front', size: '3', 'example.com/x': '' };

describe('label selectors', () => {
  it.each([
    ['', true],
    ['app', true],
    ['!app', false],
    ['!other', true],
    ['app=web', true],
    ['app == web , tier != back', true],
    ['other!=x', true],
    ['app in (api, web),tier notin (back)', true],
    ['other in (x)', false],
    ['other notin (x)', true],
    ['example.com/x=', true],
    ['example.com/x in ()', true],
    ['size>2,size<4', true],
    ['size>3', false],
    ['app>1', false],
  ])('%s', (selector, matches) => {
    expect(parseLabelSelector(selector)(labels)).toBe(matches);
    if (selector.startsWith('app')) expect(parseLabelSelector(selector)(undefined)).toBe(false);
  });

  it.each(['a b', 'a=b=c', 'a in b', 'in (a)', '=a', 'a,,b', 'size>x', 'a=(b)'])('refuses %s', (selector) => {
    expect(() => parseLabelSelector(selector)).toThrow(expect.objectContaining({ code: 400 }) as Error);
  });
});

describe('field selectors', () => {
  const object = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'a', namespace: 'b' },
    involvedObject: { kind: 'Node', name: 'x,y=z' },
    spec: { on: true, count: 2 },
  };

  it.each([
    ['metadata.name=a', true],
    ['metadata.name==a,metadata.namespace!=b', false],
    ['involvedObject.kind=Node,spec.on=true,spec.count=2', true],
    [String.raw`involvedObject.name=x\,y\=z`, true],
    ['status.phase!=Running', true],
    ['status.phase=', true],
    ['spec.constructor=', true],
  ])('%s', (selector, matches) => {
    expect(parseFieldSelector(selector)(object)).toBe(matches);
  });

  it.each(['metadata.name', 'a in (b)', '=x'])('refuses %s', (selector) => {
    expect(() => parseFieldSelector(selector)).toThrow(expect.objectContaining({ code: 400 }) as Error);
  });
});
