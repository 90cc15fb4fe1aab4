/** Names, sizes and labels of KubeVirt's common-instancetypes (v1.7.0), as far as they can be honoured here. Data and no more. */
import type { Instancetype, Preference, PreferenceSpec } from '#shared/kube/instancetype.ts';

const apiVersion = 'instancetype.kubevirt.io/v1beta1';
const at = (word: string): string => `instancetype.kubevirt.io/${word}`;
const origin = { [at('vendor')]: 'kubevirt.io', [at('common-instancetypes-version')]: 'v1.7.0' };

/** Size: processors and memory, the same in both series. */
const sizes: Record<string, [number, string]> = {
  nano: [1, '512Mi'],
  micro: [1, '1Gi'],
  small: [1, '2Gi'],
  medium: [1, '4Gi'],
  '2xmedium': [2, '4Gi'],
  large: [2, '8Gi'],
  xlarge: [4, '16Gi'],
  '2xlarge': [8, '32Gi'],
  '4xlarge': [16, '64Gi'],
  '8xlarge': [32, '128Gi'],
};

interface Series {
  prefix: string;
  class: string;
  title: string;
  icon: string;
  overcommitPercent?: number;
  without?: string;
}
const series: Series[] = [
  { prefix: 'u1', class: 'general.purpose', title: 'General Purpose', icon: 'pficon-server-group' },
  { prefix: 'o1', class: 'overcommitted', title: 'Overcommitted', icon: 'pficon-virtual-machine', overcommitPercent: 50, without: '2xmedium' },
];

export const commonInstancetypes = (): Instancetype[] =>
  series.flatMap(({ prefix, title, icon, overcommitPercent, without, ...rest }) =>
    Object.entries(sizes)
      .filter(([size]) => size !== without)
      .map(([size, [guest, memory]]) => ({
        apiVersion,
        kind: 'VirtualMachineClusterInstancetype',
        metadata: {
          name: `${prefix}.${size}`,
          annotations: { [at('displayName')]: title },
          labels: { ...origin, [at('class')]: rest.class, [at('cpu')]: String(guest), [at('memory')]: memory, [at('size')]: size, [at('version')]: '1', [at('icon-pf')]: icon },
        },
        spec: { cpu: { guest }, memory: { guest: memory, ...(overcommitPercent === undefined ? {} : { overcommitPercent }) } },
      })),
  );

const virtio: PreferenceSpec = { devices: { preferredDiskBus: 'virtio', preferredInterfaceModel: 'virtio', preferredRng: {} } };
const ownThread: PreferenceSpec = { devices: { ...virtio.devices, preferredDiskDedicatedIoThread: true } };
const uefi: PreferenceSpec = { firmware: { preferredEfi: { secureBoot: false } } };
const secureBoot: PreferenceSpec = { features: { preferredSmm: {} }, firmware: { preferredEfi: { secureBoot: true } } };
const amd64: PreferenceSpec = { preferredArchitecture: 'amd64' };

const windows: PreferenceSpec = {
  clock: {
    preferredClockOffset: { utc: {} },
    preferredTimer: { hpet: { present: false }, hyperv: {}, pit: { tickPolicy: 'delay' }, rtc: { tickPolicy: 'catchup' } },
  },
  cpu: { preferredCPUTopology: 'sockets' },
  preferredTerminationGracePeriodSeconds: 3600,
};
const windowsFeatures: PreferenceSpec['features'] = {
  preferredAcpi: {},
  preferredApic: {},
  preferredHyperv: {
    ...{ frequencies: {}, ipi: {}, reenlightenment: {}, relaxed: {}, reset: {}, runtime: {}, spinlocks: { spinlocks: 8191 } },
    ...{ synic: {}, synictimer: { direct: {} }, tlbflush: {}, vapic: {}, vpindex: {} },
  },
  preferredSmm: {},
};
/** What Windows brings drivers for. */
const inbox: PreferenceSpec['devices'] = { preferredAutoattachInputDevice: true, preferredDiskBus: 'sata', preferredInterfaceModel: 'e1000e' };
/** What needs the virtio drivers. */
const paravirtual: PreferenceSpec['devices'] = {
  ...{ preferredAutoattachInputDevice: true, preferredDiskBus: 'virtio', preferredInterfaceModel: 'virtio' },
  ...{ preferredInputBus: 'virtio', preferredInputType: 'tablet', preferredVideoType: 'virtio' },
};

type Row = [name: string, title: string, icon: string, needs: [number, string] | undefined, spec: PreferenceSpec];
const linux: Row[] = [
  ['alpine', 'Alpine', 'alpine', [1, '512Mi'], virtio],
  ['centos.stream9', 'CentOS Stream 9', 'centos', [1, '1.5Gi'], ownThread],
  ['centos.stream10', 'CentOS Stream 10', 'centos', [1, '1.5Gi'], ownThread],
  ['cirros', 'Cirros', 'cirros', [1, '256Mi'], virtio],
  ['debian', 'Debian', 'debian', [1, '512Mi'], { ...virtio, ...uefi }],
  ['fedora', 'Fedora (amd64)', 'fedora', [1, '2Gi'], { ...virtio, ...secureBoot, ...amd64 }],
  ['linux', 'Linux Guest', 'linux', undefined, virtio],
  ['linux.efi', 'Linux EFI Guest', 'linux', undefined, { ...virtio, ...uefi }],
  ['opensuse.leap', 'OpenSUSE Leap', 'opensuse-leap', [1, '2Gi'], virtio],
  ['opensuse.tumbleweed', 'OpenSUSE Tumbleweed', 'opensuse-tumbleweed', [1, '2Gi'], virtio],
  ['oraclelinux', 'Oracle Linux', 'oracle', [2, '4Gi'], { ...virtio, ...uefi }],
  ['rhel.8', 'Red Hat Enterprise Linux 8', 'rhel', [1, '1.5Gi'], virtio],
  ['rhel.9', 'Red Hat Enterprise Linux 9 (amd64)', 'rhel', [1, '1.5Gi'], { ...ownThread, ...secureBoot, ...amd64 }],
  ['rhel.10', 'Red Hat Enterprise Linux 10 (amd64)', 'rhel', [1, '1.5Gi'], { ...ownThread, ...secureBoot, ...amd64 }],
  ['sles', 'SUSE Linux Enterprise Server', 'sles', [1, '2Gi'], virtio],
  ['ubuntu', 'Ubuntu', 'ubuntu', [1, '2Gi'], virtio],
];

/** Version, name, what it needs, and whether it wants a TPM. */
const windowsVersions: [version: string, title: string, needs: [number, string], tpm: boolean][] = [
  ['10', 'Microsoft Windows 10', [1, '2Gi'], false],
  ['11', 'Microsoft Windows 11', [2, '4Gi'], true],
  ['2k16', 'Microsoft Windows Server 2016', [1, '2Gi'], false],
  ['2k19', 'Microsoft Windows Server 2019', [1, '2Gi'], false],
  ['2k22', 'Microsoft Windows Server 2022', [1, '2Gi'], true],
  ['2k25', 'Microsoft Windows Server 2025', [1, '2Gi'], true],
];
const windowsRows = windowsVersions.flatMap(([version, title, needs, tpm]): Row[] => {
  const firmware = { preferredEfi: { ...(tpm ? { persistent: true } : {}), secureBoot: true } };
  const withDevices = (devices: PreferenceSpec['devices']): PreferenceSpec => ({
    ...windows,
    features: windowsFeatures,
    firmware,
    devices: { ...devices, ...(tpm ? { preferredTPM: { persistent: true } } : {}) },
  });
  return [
    [`windows.${version}`, title, 'windows', needs, withDevices(inbox)],
    [`windows.${version}.virtio`, `${title} (virtio)`, 'windows', needs, withDevices(paravirtual)],
  ];
});

export const commonPreferences = (): Preference[] => [...linux.map((row) => preference('linux', row)), ...windowsRows.map((row) => preference('windows', row))];

function preference(family: string, [name, title, icon, needs, spec]: Row): Preference {
  const architecture = spec.preferredArchitecture;
  const labels: Record<string, string> = {
    ...origin,
    [at('os-type')]: family,
    ...(needs ? { [at('required-cpu')]: String(needs[0]), [at('required-memory')]: needs[1] } : {}),
    ...(architecture === undefined ? {} : { [at('arch')]: architecture, [at('preferred-architecture')]: architecture, [at('required-architecture')]: architecture }),
  };
  const requirements = needs && { cpu: { guest: needs[0] }, memory: { guest: needs[1] }, ...(architecture === undefined ? {} : { architecture }) };
  return {
    apiVersion,
    kind: 'VirtualMachineClusterPreference',
    metadata: { name, labels, annotations: { iconClass: `icon-${icon}`, 'openshift.io/display-name': title } },
    spec: { annotations: { 'vm.kubevirt.io/os': family }, ...structuredClone(spec), ...(requirements ? { requirements } : {}) },
  };
}
