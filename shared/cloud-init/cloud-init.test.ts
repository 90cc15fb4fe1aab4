import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkUserData, mostUserDataBytes, userDataProblem } from './check.ts';
import { holdsSecrets, withoutSecrets } from './secrets.ts';
import { noCloudInitAnswers, renderUserData, userNameProblem } from './user-data.ts';

const key = 'ssh-ed25519 AAAAC3Nza anna@desk: "home" # one';

describe('renderUserData', () => {
  it('makes a user with all that was asked for', () => {
    const text = renderUserData(
      { hostname: '', user: 'anna', passwordHash: '$6$s$h', sshKeys: [key], packages: ['vim', 'qemu-guest-agent'], timezone: 'Europe/Vienna', guestAgent: true },
      'web',
    );
    expect(text.startsWith('#cloud-config\n')).toBe(true);
    expect(parse(text)).toEqual({
      hostname: 'web',
      users: [{ name: 'anna', shell: '/bin/bash', sudo: 'ALL=(ALL) NOPASSWD:ALL', lock_passwd: false, passwd: '$6$s$h', ssh_authorized_keys: [key] }],
      ssh_pwauth: true,
      timezone: 'Europe/Vienna',
      package_update: true,
      packages: ['vim', 'qemu-guest-agent'],
      runcmd: [['systemctl', 'enable', '--now', 'qemu-guest-agent']],
    });
    expect(checkUserData(text)).toEqual([]);
  });

  it('leaves the image’s user in place where none is named', () => {
    expect(parse(renderUserData({ ...noCloudInitAnswers, hostname: 'loft', passwordHash: '$6$s$h', sshKeys: [key] }, 'web'))).toEqual({
      hostname: 'loft',
      password: '$6$s$h',
      chpasswd: { expire: false },
      ssh_authorized_keys: [key],
      ssh_pwauth: true,
    });
  });

  it('is well-formed without any answer', () => {
    expect(renderUserData(noCloudInitAnswers, '')).toBe('#cloud-config\n');
    expect(checkUserData('#cloud-config\n')).toEqual([]);
  });
});

describe('checkUserData', () => {
  it.each([
    ['', 1, 1, 'There is nothing here. The first line is to be #cloud-config.'],
    ['hostname: web\n', 1, 1, 'The first line is to be #cloud-config; cloud-init passes over the rest otherwise.'],
    ['#cloud-config\nusers:\n  - name: "anna\n', 4, 1, 'Missing closing "quote.'],
    ['#cloud-config\n- a\n', 2, 1, 'Below the first line there are to be keys with values, such as “hostname: web”.'],
    ['#cloud-config\na: 1\na: 2\n', 3, 1, 'Map keys must be unique.'],
  ])('finds the error in %j', (text, line, column, message) => {
    const [error] = checkUserData(text).filter(({ severity }) => severity === 'error');
    expect(error).toMatchObject({ line, column, message });
    expect(userDataProblem(text)).toBe(`Line ${line}, column ${column}: ${message}`);
  });

  it('warns of keys that cloud-init does not know, and of what is no cloud-config', () => {
    expect(checkUserData('#cloud-config\nhostnam: web\nruncmd: []\n')).toEqual([
      { from: 14, to: 21, line: 2, column: 1, severity: 'warning', message: 'cloud-init does not know “hostnam”, and would pass over it.' },
    ]);
    expect(checkUserData('#!/bin/sh\necho: [\n')).toMatchObject([{ severity: 'warning', line: 1 }]);
  });

  it('has a bound', () => {
    expect(userDataProblem(`#cloud-config\n# ${'é'.repeat(mostUserDataBytes / 2)}\n`)).toContain('a Secret holds 1000000 at most');
  });
});

describe('what is secret', () => {
  it.each(['users: [{name: a, passwd: $6$x}]', 'password: loft', 'chpasswd:\n  list: |\n    a:b', 'write_files:\n- content: -----BEGIN OPENSSH PRIVATE KEY-----', 'runcmd: [curl -H "token: x"]'])('is found in %j', (body) => {
    expect(holdsSecrets(`#cloud-config\n${body}\n`)).toBe(true);
  });

  it('is not seen where there is none', () => {
    expect(holdsSecrets(renderUserData({ ...noCloudInitAnswers, user: 'anna', sshKeys: [key], guestAgent: true }, 'password-store'))).toBe(false);
  });

  it('is taken out, and the rest stays', () => {
    const text = '#cloud-config\nhostname: web # mine\npassword: loft\nwrite_files:\n  - path: /a\n    content: hello\n  - path: /b\n    content: "-----BEGIN PRIVATE KEY-----"\n';
    expect(withoutSecrets(text)).toBe('#cloud-config\nhostname: web # mine\nwrite_files:\n  - path: /a\n    content: hello\n');
    expect(withoutSecrets('#!/bin/sh\nTOKEN=x\n')).toBeUndefined();
  });
});

it('knows what a user may be called', () => {
  expect(['', 'anna', '_apt', 'web-1'].map(userNameProblem)).toEqual([undefined, undefined, undefined, undefined]);
  expect(['root', 'Anna', '1a', 'a b', 'a'.repeat(33)].every((name) => userNameProblem(name) !== undefined)).toBe(true);
});
