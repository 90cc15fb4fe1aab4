import { describe, expect, it } from 'vitest';
import { proxyFor } from './choose.ts';

const proxy = 'http://proxy.lan:3128';
const via = (server: string, NO_PROXY = ''): boolean => proxyFor(server, undefined, { HTTPS_PROXY: proxy, NO_PROXY }) === proxy;

describe('the proxy of a cluster', () => {
  it('is the kubeconfig’s own, whatever the environment says', () => {
    const env = { HTTPS_PROXY: proxy, NO_PROXY: '*' };
    expect(proxyFor('https://10.0.0.1:6443', 'socks5://10.0.0.2:1080', env)).toBe('socks5://10.0.0.2:1080');
    expect(proxyFor('https://10.0.0.1:6443', '10.0.0.2:3128', {})).toBe('http://10.0.0.2:3128');
  });

  it('is the environment’s, and none for this computer', () => {
    expect(via('https://10.0.0.1:6443')).toBe(true);
    expect(proxyFor('https://a.lan', undefined, { https_proxy: proxy })).toBe(proxy);
    expect(proxyFor('https://a.lan', undefined, { HTTP_PROXY: proxy })).toBeUndefined();
    for (const server of ['https://127.0.0.1:6443', 'https://localhost:6443', 'https://[::1]:6443']) expect(via(server)).toBe(false);
  });

  it.each([
    ['*', 'https://a.lan', false],
    ['lan', 'https://a.lan', false],
    ['.lan', 'https://a.lan', false],
    ['*.lan', 'https://a.lan', false],
    ['.a.lan', 'https://a.lan', true],
    ['an', 'https://a.lan', true],
    ['A.LAN', 'https://a.lan', false],
    ['b.lan, a.lan:6443', 'https://a.lan:6443', false],
    ['a.lan:6443', 'https://a.lan:443', true],
    ['10.0.0.0/8', 'https://10.1.2.3:6443', false],
    ['10.0.0.0/8', 'https://11.1.2.3:6443', true],
    ['10.0.0.0/99', 'https://10.1.2.3:6443', true],
    ['10.1.2.3', 'https://10.1.2.3:6443', false],
    ['fd00::/8', 'https://[fd00::7]:6443', false],
    ['[fd00::7]:6443', 'https://[fd00::7]:6443', false],
    ['10.0.0.0/8', 'https://a.lan', true],
  ])('with NO_PROXY=%s: %s through it: %s', (list, server, through) => {
    expect(via(server, list)).toBe(through);
  });

  it('is refused in words where it is none', () => {
    expect(() => proxyFor('https://a.lan', 'ftp://x', {})).toThrow(/of a kind/);
    expect(() => proxyFor('https://a.lan', 'http://', {})).toThrow(/no address/);
  });
});
