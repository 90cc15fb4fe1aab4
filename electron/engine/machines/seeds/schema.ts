/** The fields of an instance that become discs with settings for the guest. */
import { array, boolean, object, string } from '../../api/schema.ts';

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

const userName = string({ pattern: '[^\\s:/]{1,64}' });
const source = object({ secret: object({ secretName: string() }, { required: ['secretName'] }) }, { required: ['secret'] });

export const accessCredentials = array(
  object({
    sshPublicKey: object(
      {
        source,
        propagationMethod: object({
          noCloud: object({}),
          configDrive: object({}),
          qemuGuestAgent: object({ users: array(userName, { description: 'Those whose keys are these from now on, whatever they were.' }) }, { required: ['users'] }),
        }),
      },
      { required: ['source', 'propagationMethod'] },
    ),
    userPassword: object(
      { source, propagationMethod: object({ qemuGuestAgent: object({}) }) },
      { required: ['source', 'propagationMethod'], description: 'In the Secret the keys are the users, who must be there, and the values their passwords.' },
    ),
  }),
  { description: 'Keys and passwords from Secrets, by cloud-init at the start, or by the guest’s agent for as long as it runs.' },
);
