import { expect, it } from 'vitest';
import { sshCommand } from './ssh-command.ts';

it('names the port where it is not the usual one, and a likely user', () => {
  expect(sshCommand({ host: '127.0.0.1', port: 30_022 }, 'debian')).toBe('ssh -p 30022 debian@127.0.0.1');
  expect(sshCommand({ host: '10.0.0.5', port: 22 })).toBe('ssh user@10.0.0.5');
  expect(sshCommand({ host: '10.0.0.5', port: 22 }, 'debian', 'ann')).toBe('ssh ann@10.0.0.5');
});

it('never takes a guest’s word into a command that a shell would read otherwise', () => {
  expect(sshCommand({ host: '10.0.0.5', port: 22 }, 'debian', 'x;rm -rf ~')).toBe('ssh debian@10.0.0.5');
  expect(sshCommand({ host: '10.0.0.5', port: 22 }, 'debian', '-oProxyCommand=x')).toBe('ssh debian@10.0.0.5');
});
