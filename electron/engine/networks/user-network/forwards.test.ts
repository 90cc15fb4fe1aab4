import { describe, expect, it } from 'vitest';
import { parseUserNetwork } from './forwards.ts';

// As QEMU 7.2 prints it, with two networks.
const table = [
  'Hub -1 (net-default):',
  '  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ',
  '  TCP[HOST_FORWARD]  17       127.0.0.1 31022       10.0.2.15    22     0     0',
  '  TCP[HOST_FORWARD]  18               * 31023       10.0.2.15    80     0     0',
  '  TCP[ESTABLISHED]   22       10.0.2.15    22       127.0.0.1 51234     0     0',
  '  UDP[236 sec]       24       10.0.2.15 52311        10.0.2.3    53     0     0',
  'Hub -1 (net-second):',
  '  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ',
  '  UDP[HOST_FORWARD]  19       127.0.0.1 31024       10.0.3.15    53     0     0',
  '',
].join('\r\n');

describe('the table of info usernet', () => {
  it('is read network by network', () => {
    const lines = parseUserNetwork(table, 'net-default');
    expect(lines.map(({ protocol, state, source, destination }) => [protocol, state, source.port, destination.port])).toEqual([
      ['TCP', 'HOST_FORWARD', 31_022, 22],
      ['TCP', 'HOST_FORWARD', 31_023, 80],
      ['TCP', 'ESTABLISHED', 22, 51_234],
      ['UDP', '236 sec', 52_311, 53],
    ]);
    expect(parseUserNetwork(table, 'net-second')).toHaveLength(1);
    expect(parseUserNetwork(table, 'net-other')).toEqual([]);
  });
});
