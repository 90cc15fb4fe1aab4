import { expect, it } from 'vitest';
import { HayloftError } from '#shared/contract/errors.ts';
import { refusalOf } from './refusal.ts';

const object = (kind: string): Parameters<typeof refusalOf>[1] => ({ apiVersion: 'v1', kind, metadata: { name: 'web' } });

it.each([
  ['VirtualMachine', 'spec.template.spec.domain.memory.guest', 'memoryBytes'],
  ['VirtualMachine', 'spec.template.spec.domain.cpu.cores', 'cores'],
  ['VirtualMachine', 'spec.template.spec.domain.firmware.bootloader.efi', 'firmware'],
  ['VirtualMachine', 'spec.template.spec.domain.devices.tpm', 'tpm'],
  ['VirtualMachine', 'spec.template.spec.volumes[1].cloudInitNoCloud.userData', 'userData'],
  ['VirtualMachine', 'spec.template.spec.domain.devices.interfaces[0].macAddress', 'networks'],
  ['VirtualMachine', 'spec.dataVolumeTemplates[0].spec.storage.storageClassName', 'storageClass'],
  ['VirtualMachine', 'spec.dataVolumeTemplates[0].spec.storage.resources', 'diskBytes'],
  ['VirtualMachine', 'spec.instancetype', 'instancetype'],
  ['Service', 'spec.ports[0].nodePort', 'networks'],
  ['Secret', undefined, 'userData'],
  ['VirtualMachine', 'spec.something', undefined],
])('tells of a %s’s %s at the question %s', (kind, field, question) => {
  const error = new HayloftError('invalid', 'It is wrong.', field === undefined ? {} : { field });
  expect(refusalOf(error, object(kind))).toMatchObject({ code: 'invalid', message: 'It is wrong.', field: question });
});

it('says which name is taken, and what may not be made', () => {
  const taken = new HayloftError('already-exists', 'x');
  expect(refusalOf(taken, object('VirtualMachine'))).toMatchObject({ message: 'There is a machine called “web” already.', field: 'name' });
  expect(refusalOf(taken, object('Secret'))).toMatchObject({ message: 'There is a Secret called “web” already.', field: 'name' });
  expect(refusalOf(new HayloftError('forbidden', 'x'), object('Service')).message).toBe('You may not make a Service here.');
});
