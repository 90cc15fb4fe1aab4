/** Keeps templates of machines in a file of the data folder. Nothing secret gets there. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { withoutSecrets } from '#shared/cloud-init/secrets.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import { machineTemplate, type MachineTemplate } from '#shared/contract/machine-templates.ts';
import { KeptList, type KeptListOptions } from '../topics/kept-list.ts';
import type { Topic } from '../topics/topic.ts';

export class MachineTemplates {
  readonly #templates: KeptList<MachineTemplate>;

  /** @param path of the file, in a folder that is there */
  constructor(path: string, log: KeptListOptions<MachineTemplate>['log']) {
    this.#templates = new KeptList({ path, item: machineTemplate, key: ({ name }) => name, most: 200, words: { one: 'template', all: 'templates' }, log });
  }

  get topic(): Topic<MachineTemplate> {
    return this.#templates.topic;
  }

  calls(): Pick<CallHandlers, 'templates.save' | 'templates.rename' | 'templates.delete'> {
    const templates = this.#templates;
    return {
      'templates.save': (given) => {
        templates.put(plain({ ...given, saved: Date.now() }));
        return Promise.resolve({});
      },
      'templates.rename': ({ name, newName }) => {
        const found = templates.topic.get(name);
        if (!found) throw new HayloftError('not-found', `There is no template “${name}” any more.`);
        if (name !== newName && templates.topic.get(newName)) {
          throw new HayloftError('already-exists', `There is a template called “${newName}” already.`, { hint: 'Choose another name.', field: 'newName' });
        }
        templates.put({ ...found, name: newName }, name);
        return Promise.resolve({});
      },
      'templates.delete': ({ name }) => {
        templates.remove(name);
        return Promise.resolve({});
      },
    };
  }
}

/** The window leaves secrets out already; what is kept on a disk does not depend on that. */
function plain({ cloudInit, ...template }: MachineTemplate): MachineTemplate {
  if (cloudInit?.kind !== 'text') return { ...template, ...(cloudInit ? { cloudInit } : {}) };
  const userData = withoutSecrets(cloudInit.userData);
  const leftOut = userData !== cloudInit.userData;
  return {
    ...template,
    ...(userData === undefined ? {} : { cloudInit: { kind: 'text', userData } }),
    secretsLeftOut: template.secretsLeftOut || leftOut,
  };
}
