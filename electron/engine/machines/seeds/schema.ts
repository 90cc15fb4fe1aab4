/** The fields of an instance that become discs with settings for the guest. */
import { array, boolean, object, string, unsupported } from '../../api/schema.ts';

const agentOnly = 'nothing is put into a running guest: use noCloud or configDrive, which reach it when it starts';

const reference = object({ name: string({ description: 'In the machine’s namespace.' }) }, { required: ['name'] });

const cloudInit = object({
  userData: string({ description: 'At most 2048 bytes; more goes into a Secret.' }),
  userDataBase64: string(),
  secretRef: { ...reference, description: 'A Secret whose key userdata (or userData) holds it.' },
  networkData: string({ description: 'At most 2048 bytes; more goes into a Secret.' }),
  networkDataBase64: string(),
  networkDataSecretRef: { ...reference, description: 'A Secret whose key networkdata (or networkData) holds it.' },
});

const volumeLabel = string({ pattern: '.{1,32}' });

/** Sources of volumes whose discs the engine writes itself. */
export const seedSources = {
  cloudInitNoCloud: cloudInit,
  cloudInitConfigDrive: cloudInit,
  sysprep: object({ configMap: reference, secret: reference }),
  configMap: object({ name: string(), optional: boolean(), volumeLabel }, { required: ['name'] }),
  secret: object({ secretName: string(), optional: boolean(), volumeLabel }, { required: ['secretName'] }),
};

const source = object({ secret: object({ secretName: string() }, { required: ['secretName'] }) }, { required: ['secret'] });

export const accessCredentials = array(
  object({
    sshPublicKey: object(
      {
        source,
        propagationMethod: object({ noCloud: object({}), configDrive: object({}), qemuGuestAgent: unsupported(agentOnly) }),
      },
      { required: ['source', 'propagationMethod'] },
    ),
    userPassword: object(
      { source, propagationMethod: object({ qemuGuestAgent: unsupported('passwords are not put into running guests: set one in the user data of cloud-init') }) },
      { required: ['source', 'propagationMethod'] },
    ),
  }),
  { description: 'Keys that cloud-init lets in, from Secrets: each value is a key.' },
);
