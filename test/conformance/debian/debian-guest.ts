/** The Debian guest that the tests of this folder share: a boot of it takes most of a minute of a processor under emulation. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { debianMachine, debianUserData, makeKeyPair, ssh, sshService, type KeyPair } from '../../rig/debian-machine.ts';
import { startEngine, type RigEngine } from '../../rig/engine.ts';
import { rigImage } from '../../rig/images/rig-image.ts';
import { until } from '../../rig/until.ts';
import { uploadImage } from '../../rig/upload.ts';

/** A Debian boots in half a minute under emulation on an idle computer, and this one may not be. */
export const bootMs = 240_000;

export const secret = (name: string, stringData: Record<string, string>): object => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData });

export class DebianGuest {
  engine!: RigEngine;
  /** Folder of the key pairs. */
  keys = '';
  /** Of the user that cloud-init makes, and of root, whom the agent lets in. */
  key!: KeyPair;
  spare!: KeyPair;
  /** Of this computer, to the guest's SSH. */
  port = 0;

  /** An engine of its own, with the machine `pear` that is just beginning to boot. */
  async start(): Promise<void> {
    const image = rigImage('debian-disk');
    this.keys = mkdtempSync(join(tmpdir(), 'hayloft-keys-'));
    this.key = makeKeyPair(this.keys);
    this.spare = makeKeyPair(this.keys, 'spare');
    this.engine = await startEngine();
    await uploadImage(this.engine, 'root', image, '3Gi');
    const pear = debianMachine('pear', 'root', debianUserData('pear', this.key));
    pear.spec.template.spec.accessCredentials = [
      { sshPublicKey: { source: { secret: { secretName: 'keys' } }, propagationMethod: { qemuGuestAgent: { users: ['root'] } } } },
      { userPassword: { source: { secret: { secretName: 'passwords' } }, propagationMethod: { qemuGuestAgent: {} } } },
    ];
    this.apply(pear, sshService('pear'), secret('keys', { first: this.spare.line }), secret('passwords', { ann: 'hay in the loft' }));
    this.engine.kubectl(['wait', '--for=condition=Ready', 'vm/pear', '--timeout=30s']);
    this.port = await this.portOf('pear');
  }

  async end(): Promise<void> {
    await this.engine.destroy();
    rmSync(this.keys, { recursive: true });
  }

  /** Another engine takes the place of this one, which has no time to say goodbye. */
  async killEngine(): Promise<void> {
    await this.engine.program.stop('SIGKILL');
    this.engine = await startEngine({ dataDir: this.engine.dataDir });
  }

  apply(...objects: object[]): string {
    return this.engine.kubectl(['apply', '-f', '-'], objects.map((object) => stringify(object)).join('---\n'));
  }

  /** The port of this computer that leads to a machine's SSH. */
  async portOf(name: string): Promise<number> {
    const service = await this.engine.api('GET', `/api/v1/namespaces/default/services/${name}`);
    return service.json<{ spec: { ports: { nodePort: number }[] } }>().spec.ports[0]?.nodePort ?? 0;
  }

  run(command: string): Promise<string> {
    return ssh(this.port, this.key, command);
  }

  succeeds(command: string): Promise<boolean> {
    return this.run(command).then(
      () => true,
      () => false,
    );
  }

  /** Waits until a guest has booted and knows its user. */
  letsIn(port = this.port, hostname = 'pear'): Promise<unknown> {
    return until(`${hostname} to let its user in`, async () => (await ssh(port, this.key, 'hostname').catch(() => '')) === hostname, bootMs);
  }
}
