import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { holdPort } from '../port.ts';
import { parseListen, reachableBy, serverNames, urlOf } from './addresses.ts';

describe('--listen', () => {
  it.each<[string, string[]]>([
    ['loopback', []],
    ['127.0.0.1,::1', []],
    ['lan', ['0.0.0.0', '::']],
    ['192.0.2.7, [2001:db8::7],192.0.2.7', ['192.0.2.7', '2001:db8::7']],
  ])('reads %s', (text, addresses) => expect(parseListen(text)).toEqual(addresses));

  it.each(['', 'eth0', '192.0.2', 'lan;'])('refuses "%s"', (text) => {
    expect(() => parseListen(text)).toThrow(expect.objectContaining({ code: 'bad-input', field: 'listen' }));
  });
});

describe('the names of the server', () => {
  const own = ['192.0.2.7', '2001:db8::7'];
  it('are those of this computer alone, where nobody else is served', () => {
    expect(serverNames([], 'Loft', own)).toEqual({ dns: ['localhost', 'loft'], ip: ['127.0.0.1', '::1'] });
  });

  it('are all that it is reached by on the LAN', () => {
    expect(serverNames(['0.0.0.0', '::'], 'loft', own)).toEqual({ dns: ['localhost', 'loft', 'loft.local'], ip: ['127.0.0.1', '::1', ...own] });
    expect(serverNames(['192.0.2.7'], 'loft.example.org', own)).toEqual({ dns: ['localhost', 'loft.example.org'], ip: ['127.0.0.1', '::1', '192.0.2.7'] });
    expect(reachableBy(['0.0.0.0'], own)).toEqual(['192.0.2.7']);
  });

  it('make addresses that clients can use', () => {
    expect([urlOf('192.0.2.7', 1), urlOf('2001:db8::7', 1)]).toEqual(['https://192.0.2.7:1', 'https://[2001:db8::7]:1']);
  });
});

describe('the port', () => {
  it('is one and the same on every address', async () => {
    const held = await holdPort(0, undefined, ['127.0.0.2', '127.0.0.3']);
    onTestFinished(() => held.release());
    expect(held.sockets.map((socket) => socket.address())).toEqual(
      ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((address) => ({ address, port: held.port, family: 'IPv4' })),
    );
  });

  it('is let go everywhere when one address cannot be had', async () => {
    const free = await holdPort(0, undefined);
    free.release();
    await expect(holdPort(free.port, undefined, ['192.0.2.7'])).rejects.toMatchObject({ code: 'bad-input', field: 'listen' });
    const again = createServer().listen(free.port, '127.0.0.1');
    onTestFinished(() => void again.close());
    await new Promise((resolve, reject) => again.once('listening', resolve).once('error', reject));
  });
});
