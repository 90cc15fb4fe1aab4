/** What a preference gives where a machine's template says nothing. KubeVirt: pkg/instancetype/preference/apply. Pure. */
import type { PreferenceSpec } from '#shared/kube/instancetype.ts';
import type { Disk, DomainSpec, HypervFeatures, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import { addDefaultNetwork } from '../machines/default-network.ts';
import { isHotpluggable } from '../qemu/hotplug/hotpluggable.ts';
import { fill } from './fill.ts';

type DevicePreferences = NonNullable<PreferenceSpec['devices']>;

/** Changes the spec in place. */
export function applyPreference(spec: VirtualMachineInstanceSpec, preference: PreferenceSpec): void {
  const { domain } = spec;
  applyDevices(spec, preference.devices ?? {});
  applyFeatures(domain, preference.features);
  applyFirmware(domain, preference.firmware);
  applyClock(domain, preference.clock);
  if (preference.machine) fill((domain.machine ??= {}), 'type', preference.machine.preferredMachineType);
  fill(spec, 'architecture', preference.preferredArchitecture);
  fill(spec, 'terminationGracePeriodSeconds', preference.preferredTerminationGracePeriodSeconds);
}

function applyDevices(spec: VirtualMachineInstanceSpec, preferred: DevicePreferences): void {
  const { devices } = spec.domain;
  fill(devices, 'autoattachGraphicsDevice', preferred.preferredAutoattachGraphicsDevice);
  fill(devices, 'autoattachInputDevice', preferred.preferredAutoattachInputDevice);
  fill(devices, 'autoattachMemBalloon', preferred.preferredAutoattachMemBalloon);
  fill(devices, 'autoattachPodInterface', preferred.preferredAutoattachPodInterface);
  fill(devices, 'autoattachSerialConsole', preferred.preferredAutoattachSerialConsole);
  fill(devices, 'blockMultiQueue', preferred.preferredBlockMultiQueue);
  fill(devices, 'disableHotplug', preferred.preferredDisableHotplug);
  fill(devices, 'rng', preferred.preferredRng);
  fill(devices, 'tpm', preferred.preferredTPM);
  if (devices.autoattachGraphicsDevice !== false && preferred.preferredVideoType !== undefined) {
    fill(devices, 'video', { type: preferred.preferredVideoType });
  }
  const coming = new Set((spec.volumes ?? []).filter(isHotpluggable).map(({ name }) => name));
  for (const disk of devices.disks ?? []) applyDisk(disk, preferred, coming.has(disk.name));
  // The interface that comes of itself is of the preferred model, too.
  addDefaultNetwork(spec);
  for (const card of devices.interfaces ?? []) fill(card, 'model', preferred.preferredInterfaceModel);
  applyInputs(devices, preferred);
}

function applyDisk(disk: Disk, preferred: DevicePreferences, comesLater: boolean): void {
  if (disk.cdrom) {
    fill(disk.cdrom, 'bus', preferred.preferredCdromBus);
    return;
  }
  disk.disk ??= {};
  fill(disk.disk, 'bus', preferred.preferredDiskBus);
  fill(disk, 'blockSize', preferred.preferredDiskBlockSize);
  fill(disk, 'cache', preferred.preferredDiskCache);
  fill(disk, 'io', preferred.preferredDiskIO);
  // A disk that comes while the machine runs cannot have a thread of its own.
  if (disk.disk.bus === 'virtio' && !comesLater) fill(disk, 'dedicatedIOThread', preferred.preferredDiskDedicatedIoThread);
}

function applyInputs(devices: DomainSpec['devices'], preferred: DevicePreferences): void {
  if (devices.autoattachInputDevice === true && (devices.inputs ?? []).length === 0) {
    devices.inputs = [{ name: 'default-0', type: preferred.preferredInputType ?? 'tablet', bus: preferred.preferredInputBus ?? 'usb' }];
  }
  for (const input of devices.inputs ?? []) fill(input, 'bus', preferred.preferredInputBus);
}

function applyFeatures(domain: DomainSpec, preferred: PreferenceSpec['features']): void {
  if (!preferred) return;
  const features = (domain.features ??= {});
  fill(features, 'acpi', preferred.preferredAcpi);
  fill(features, 'apic', preferred.preferredApic);
  fill(features, 'kvm', preferred.preferredKvm);
  fill(features, 'smm', preferred.preferredSmm);
  if (!preferred.preferredHyperv || features.hypervPassthrough?.enabled === true) return;
  const hyperv = (features.hyperv ??= {});
  for (const name of Object.keys(preferred.preferredHyperv) as (keyof HypervFeatures)[]) fill(hyperv, name, preferred.preferredHyperv[name]);
}

function applyFirmware(domain: DomainSpec, preferred: PreferenceSpec['firmware']): void {
  if (!preferred) return;
  const bootloader = ((domain.firmware ??= {}).bootloader ??= {});
  if (bootloader.bios || bootloader.efi) return;
  if (preferred.preferredUseBios === true) {
    bootloader.bios = {};
  } else if (preferred.preferredEfi) {
    bootloader.efi = structuredClone(preferred.preferredEfi);
  } else if (preferred.preferredUseEfi === true) {
    bootloader.efi = preferred.preferredUseSecureBoot === undefined ? {} : { secureBoot: preferred.preferredUseSecureBoot };
  }
}

function applyClock(domain: DomainSpec, preferred: PreferenceSpec['clock']): void {
  if (!preferred) return;
  const clock = (domain.clock ??= {});
  if (clock.utc === undefined && clock.timezone === undefined) Object.assign(clock, structuredClone(preferred.preferredClockOffset));
  const timers = preferred.preferredTimer;
  if (!timers) return;
  const timer = (clock.timer ??= {});
  for (const name of Object.keys(timers) as (keyof typeof timers)[]) fill(timer, name, timers[name]);
}
