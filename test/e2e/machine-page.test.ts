/** A machine's page by mouse and keyboard: why it does not run, its definition, its ports, and a shell in its guest. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { EngineClient } from '../rig/engine-client.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { sshUser } from '../rig/images/ssh-disk.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';
import { startSession, type Session } from './session.ts';

/** Under emulation, on a computer that may have other work. */
const bootMs = 120_000;
let session: Session;
let engine: EngineClient;
let home: string;

const machine = (name: string, spec: object): string =>
  stringify({ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name }, spec: { runStrategy: 'Always', template: { spec } } });
const vm = <T>(name: string): T => JSON.parse(engine.kubectl(['get', 'vm', name, '-o', 'json'])) as T;
const go = (name: string, tab: string): Promise<unknown> => session.page.evaluate((hash) => (location.hash = hash), `#/machines/local/default/${name}/${tab}`);

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'hayloft-home-'));
  mkdirSync(join(home, '.ssh'), { mode: 0o700 });
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, '.ssh', 'id_ed25519')]);
  session = await startSession({ env: { HOME: home, SSH_AUTH_SOCK: '' } });
  engine = await session.app.engine();
  await uploadImage(engine, 'pear-root', rigImage('ssh-disk'), '128Mi');
  const user = { name: sshUser, ssh_authorized_keys: [readFileSync(join(home, '.ssh', 'id_ed25519.pub'), 'utf8').trim()] };
  engine.kubectl(
    ['apply', '-f', '-'],
    [
      machine('pear', {
        terminationGracePeriodSeconds: 0,
        domain: {
          memory: { guest: '256Mi' },
          devices: {
            disks: [{ name: 'root', bootOrder: 1, disk: { bus: 'virtio' } }, { name: 'seed', cdrom: { bus: 'scsi' } }],
            interfaces: [{ name: 'default', masquerade: {} }],
          },
        },
        networks: [{ name: 'default', pod: {} }],
        volumes: [
          { name: 'root', dataVolume: { name: 'pear-root' } },
          { name: 'seed', cloudInitNoCloud: { userData: `#cloud-config\n${stringify({ hostname: 'pear', users: [user] }, { lineWidth: 0 })}` } },
        ],
      }),
      machine('lost', {
        domain: { memory: { guest: '64Mi' }, devices: { disks: [{ name: 'data', disk: { bus: 'virtio' } }] } },
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'nowhere' } }],
      }),
    ].join('---\n'),
  );
}, 600_000);

afterAll(async () => {
  await session.end();
  rmSync(home, { recursive: true });
});

describe('the overview', () => {
  it('says in one sentence why a machine does not run, until it is mended', async () => {
    const { page } = session;
    await go('lost', 'overview');
    await page.getByText('Its disk “nowhere” does not exist.').waitFor();
    await session.picture('page-lost');
    await page.getByRole('link', { name: /^Disks/ }).click();
    await page.getByText('There is no claim called “nowhere”.').waitFor();
    engine.kubectl(['delete', 'vm', 'lost']);
    await page.getByText('There is no machine called “lost”').waitFor();
  });

  it('shows disks, networks and events, each on its tab', async () => {
    const { page } = session;
    await go('pear', 'disks');
    await page.getByRole('cell', { name: /root/ }).first().waitFor();
    await page.getByText('pear-root').waitFor();
    await session.picture('page-disks');
    await page.getByRole('link', { name: /^Networks/ }).click();
    await page.getByText('behind its node (NAT)').waitFor();
    await page.getByRole('link', { name: /^Events/ }).click();
    await page.getByText('VirtualMachineInstance started.').waitFor();
    await page.getByLabel(/Warnings only/).check();
    await page.getByText('No event matches').waitFor();
  });
});

describe('the definition', () => {
  const typeSockets = async (text: string): Promise<void> => {
    const { page } = session;
    await page.getByLabel('Definition of the machine').click();
    await page.keyboard.press('Control+f');
    await page.keyboard.type('cores:');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.keyboard.type(text);
  };

  it('completes and checks by the cluster’s schema, and shows what will change before it is saved', async () => {
    const { page } = session;
    engine.kubectl(['patch', 'vm', 'pear', '--type=merge', '-p', '{"spec":{"template":{"spec":{"domain":{"cpu":{"cores":1}}}}}}']);
    await go('pear', 'yaml');
    await page.getByText('Ctrl+Space completes').waitFor();
    await typeSockets('soc');
    await page.getByRole('option', { name: /sockets/ }).first().waitFor();
    // The list takes no key in its first moment, so that nobody takes what has only just come up.
    await until('the word to be completed', async () => {
      await page.keyboard.press('Enter');
      return (await page.getByLabel('Definition of the machine').innerText()).includes('sockets:');
    });
    await page.keyboard.type('x');
    await page.locator('.cm-lint-marker-error').waitFor();
    await page.keyboard.press('Backspace');
    await page.keyboard.type('2');
    await page.keyboard.press('Control+s');
    await page.getByText('The cluster takes these changes.').waitFor();
    await session.picture('page-review');
    expect(vm<{ spec: { template: { spec: { domain: { cpu: object } } } } }>('pear').spec.template.spec.domain.cpu).toEqual({ cores: 1 });
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('pear was saved').waitFor();
    expect(vm<{ spec: { template: { spec: { domain: { cpu: object } } } } }>('pear').spec.template.spec.domain.cpu).toEqual({ cores: 1, sockets: 2 });
    await page.getByText('the changes wait for its next restart').waitFor();
  });

  it('brings two people’s changes together', async () => {
    const { page } = session;
    await typeSockets('threads: 2');
    await page.getByRole('button', { name: 'Review changes' }).click();
    await page.getByText('The cluster takes these changes.').waitFor();
    engine.kubectl(['patch', 'vm', 'pear', '--type=merge', '-p', '{"metadata":{"labels":{"seen":"yes"}},"spec":{"template":{"spec":{"domain":{"cpu":{"threads":4}}}}}}']);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Somebody else changed this machine').waitFor();
    await session.picture('page-conflict');
    await page.getByRole('radio', { name: /Take theirs/ }).check();
    await page.getByRole('button', { name: 'Bring both together' }).click();
    await page.getByRole('button', { name: 'Discard changes' }).click();
    await until('the newest definition', async () => (await page.getByLabel('Definition of the machine').innerText()).includes('threads: 4'));
  });

  it('tells what the cluster has against it, and keeps what was typed', async () => {
    const { page } = session;
    await page.getByLabel('Definition of the machine').click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('nonsense: true\n');
    await page.keyboard.press('Control+s');
    await page.getByRole('alert').getByText(/nonsense/).waitFor();
    await page.getByRole('button', { name: 'Discard changes' }).click();
    await page.getByRole('button', { name: 'Running instance' }).click();
    await page.getByLabel('Definition of the running instance').waitFor();
    await page.getByText('Read only').waitFor();
  });
});

describe('access', () => {
  it('logs in by SSH with the user’s own key, once the server’s key is trusted', async () => {
    const { page } = session;
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await page.getByRole('menuitem', { name: 'SSH' }).click();
    await page.getByLabel('User', { exact: true }).fill(sshUser);
    const question = page.getByText('First connection to pear');
    // Until the guest has booted nothing answers there, which is told; a person tries again.
    await until('the guest’s SSH server', async () => {
      if (await question.isVisible()) return true;
      await page.getByRole('button', { name: 'Log in', exact: true }).click({ timeout: 1000 }).catch(() => undefined);
      return question.waitFor({ timeout: 5000 }).then(() => true, () => false);
    }, bootMs); // prettier-ignore
    await session.picture('page-ssh-trust');
    await page.getByRole('button', { name: 'Trust and log in' }).click();
    const shown = async (): Promise<string> => (await page.locator('.xterm-rows').innerText()).replaceAll('\u00a0', ' ');
    await until('a prompt', async () => (await shown()).includes(`${sshUser}@pear`), bootMs);
    await page.keyboard.type('echo he""llo from $(hostname)\n');
    await until('an answer', async () => (await shown()).includes('hello from pear'));
    await session.picture('page-ssh');
    // The shell goes on behind other tabs.
    await page.getByRole('link', { name: 'Overview', exact: true }).last().click();
    await page.getByRole('link', { name: 'SSH', exact: true }).click();
    expect(await shown()).toContain('hello from pear');
    await page.keyboard.type('exit\n');
    await page.getByText('The session has ended').waitFor();
  }, 600_000);

  it('opens a port that outlives the page and leads into the guest', async () => {
    const { page } = session;
    await page.getByRole('link', { name: 'Access', exact: true }).click();
    await page.getByLabel('Port of the guest').fill('22');
    await page.keyboard.press('Enter');
    const way = page.getByText(/^127\.0\.0\.1:\d+$/).first();
    const port = Number((await way.innerText()).split(':')[1]);
    await page.getByRole('link', { name: 'Machines', exact: true }).click();
    const socket = connect(port, '127.0.0.1');
    const [banner] = (await once(socket, 'data')) as [Buffer];
    expect(banner.toString()).toMatch(/^SSH-2\.0-OpenSSH/);
    socket.destroy();
    await page.getByRole('button', { name: '1 open port' }).click();
    await session.picture('page-ports');
    await page.getByRole('button', { name: 'Stop' }).click();
    await until('the port to be closed', () => new Promise<boolean>((resolve) => {
      connect(port, '127.0.0.1').on('error', () => resolve(true)).on('connect', function (this: { destroy(): void }) { this.destroy(); resolve(false); });
    })); // prettier-ignore
  });
});
