/** KubeVirt's rules for what goes onto seeds. Source: its vmi-create-admitter (virt-api). */
import type { AccessCredential, CloudInitSource, VirtualMachineInstanceSpec, Volume } from '#shared/kube/kubevirt.ts';
import type { StatusCause } from '#shared/kube/object.ts';

/** What may stand in the object itself; KubeVirt's bound. */
const mostInlineBytes = 2048;

const fault = (field: string, message: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message });

/** @param path of the spec within its object */
export function checkSeeds({ volumes = [], accessCredentials = [] }: VirtualMachineInstanceSpec, path: string): StatusCause[] {
  const isCloudInit = ({ cloudInitNoCloud, cloudInitConfigDrive }: Volume): boolean => Boolean(cloudInitNoCloud ?? cloudInitConfigDrive);
  return [
    ...volumes.flatMap((volume, index) => {
      const at = `${path}.volumes[${index}]`;
      const second = isCloudInit(volume) && volumes.findIndex(isCloudInit) !== index;
      return [
        ...checkCloudInit(volume.cloudInitNoCloud, `${at}.cloudInitNoCloud`),
        ...checkCloudInit(volume.cloudInitConfigDrive, `${at}.cloudInitConfigDrive`),
        ...(second ? [fault(at, 'a machine has one cloud-init volume: the guest reads no second one')] : []),
        ...(volume.sysprep && (volume.sysprep.configMap === undefined) === (volume.sysprep.secret === undefined)
          ? [fault(`${at}.sysprep`, 'it needs exactly one of configMap and secret')]
          : []),
      ];
    }),
    ...accessCredentials.flatMap((credential, index) => checkCredential(credential, volumes, `${path}.accessCredentials[${index}]`)),
  ];
}

function checkCloudInit(source: CloudInitSource | undefined, at: string): StatusCause[] {
  if (!source) return [];
  const user = [source.userData, source.userDataBase64, source.secretRef].filter((value) => value !== undefined && value !== '');
  const network = [source.networkData, source.networkDataBase64, source.networkDataSecretRef].filter((value) => value !== undefined && value !== '');
  const causes: StatusCause[] = [];
  if (user.length > 1) causes.push(fault(at, `${at} must have at most one userdatasource set.`));
  if (network.length > 1) causes.push(fault(at, `${at} must have at most one networkdatasource set.`));
  if (user.length + network.length === 0) causes.push(fault(at, `${at} must have at least one userdatasource or one networkdatasource set.`));
  for (const [field, secretField] of [['userData', 'secretRef'], ['networkData', 'networkDataSecretRef']] as const) {
    const encoded = source[`${field}Base64`];
    const decoded = encoded === undefined ? undefined : Buffer.from(encoded, 'base64');
    if (encoded !== undefined && decoded?.toString('base64').replaceAll('=', '') !== encoded.replaceAll(/[\r\n=]/g, '')) {
      causes.push(fault(`${at}.${field}Base64`, `${at}.${field}Base64 is not a valid base64 value.`));
    }
    const bytes = Math.max(Buffer.byteLength(source[field] ?? ''), decoded?.length ?? 0);
    if (bytes > mostInlineBytes) {
      const name = source[field] === undefined ? `${field}Base64` : field;
      causes.push(fault(`${at}.${name}`, `it has ${bytes} bytes, and ${mostInlineBytes} are the most here: put it into a Secret and name that in ${secretField}`));
    }
  }
  return causes;
}

function checkCredential({ sshPublicKey, userPassword }: AccessCredential, volumes: readonly Volume[], at: string): StatusCause[] {
  if ((sshPublicKey === undefined) === (userPassword === undefined)) return [fault(at, 'it is exactly one of sshPublicKey and userPassword')];
  const exactlyOne = `${at} must have exactly one propagationMethod set`;
  if (userPassword) {
    return userPassword.propagationMethod.qemuGuestAgent ? [] : [fault(`${at}.userPassword.propagationMethod`, exactlyOne)];
  }
  const { noCloud, configDrive, qemuGuestAgent } = sshPublicKey?.propagationMethod ?? {};
  const method = `${at}.sshPublicKey.propagationMethod`;
  if ([noCloud, configDrive, qemuGuestAgent].filter((value) => value !== undefined).length !== 1) return [fault(method, exactlyOne)];
  if (qemuGuestAgent?.users.length === 0) {
    return [fault(`${method}.qemuGuestAgent.users`, `${at} requires at least one user to be present in the users list`)];
  }
  if (noCloud && !volumes.some(({ cloudInitNoCloud }) => cloudInitNoCloud)) {
    return [fault(method, `${at} requires a noCloud volume to exist when the noCloud propagation method is in use.`)];
  }
  if (configDrive && !volumes.some(({ cloudInitConfigDrive }) => cloudInitConfigDrive)) {
    return [fault(method, `${at} requires a configDrive volume to exist when the configDrive propagation method is in use.`)];
  }
  return [];
}
