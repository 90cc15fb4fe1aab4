/** A form's answers kept as a template, and a template as answers. Pure. */
import { holdsSecrets, withoutSecrets } from '#shared/cloud-init/secrets.ts';
import { noCloudInitAnswers } from '#shared/cloud-init/user-data.ts';
import type { Image } from '#shared/contract/images.ts';
import { machineTemplate, type MachineTemplate } from '#shared/contract/machine-templates.ts';
import type { Offers } from '#shared/contract/new-machine.ts';
import { gib, machineOf, type Answers, type Source } from './answers.ts';
import { answersOfCard } from './network-answers.ts';

/** What the cluster has now. */
export interface Present {
  images: readonly Image[];
  offers: Offers | undefined;
}

/** @param answers without problems, and not those for a copy of a snapshot */
export function templateOf(name: string, answers: Answers): Omit<MachineTemplate, 'saved'> {
  const machine = machineTemplate.shape.machine.parse(machineOf(answers, '', ''));
  const { on, form, text } = answers.cloudInit;
  const { passwordHash, ...others } = form;
  if (!on) return { name, machine, secretsLeftOut: false };
  if (text === undefined) return { name, machine, cloudInit: { kind: 'form', answers: others }, secretsLeftOut: passwordHash !== undefined };
  const userData = withoutSecrets(text);
  return {
    ...{ name, machine },
    ...(userData === undefined ? {} : { cloudInit: { kind: 'text', userData } }),
    secretsLeftOut: holdsSecrets(text),
  };
}

/** What a template names that is not there any more, each a sentence. Nothing is said before it is known. */
export function missingFor({ machine }: MachineTemplate, { images, offers }: Present): string[] {
  const { source, instancetype, preference, storageClass } = machine;
  const missing: (string | undefined)[] = [
    (source.kind === 'iso' || source.kind === 'disk') && !images.some(({ name }) => name === source.image) ? `Its image “${source.image}” is gone.` : undefined,
  ];
  const gone = (name: string | undefined, what: string, has: (offers: Offers) => boolean): void => {
    if (offers && name !== undefined && !has(offers)) missing.push(`Its ${what} “${name}” is gone.`);
  };
  if (source.kind === 'volume') gone(source.claim, 'volume', ({ volumes }) => volumes.items.some(({ claim }) => claim === source.claim));
  gone(instancetype, 'instance type', ({ instancetypes }) => instancetypes.items.some(({ name }) => name === instancetype));
  gone(preference, 'preference', ({ preferences }) => preferences.items.some(({ name }) => name === preference));
  gone(storageClass, 'storage class', ({ storageClasses }) => storageClasses.items.some(({ name }) => name === storageClass));
  for (const card of machine.networks) {
    if (card.kind === 'attachment') gone(card.network, 'network', ({ networks }) => networks.items.some(({ network }) => network === card.network));
  }
  return missing.filter((text) => text !== undefined);
}

/** What is gone is left open. The name is not a template's. */
export function answersOfTemplate({ machine, cloudInit }: MachineTemplate, present: Present): Omit<Answers, 'name'> {
  const { offers } = present;
  const type = offers?.instancetypes.items.find(({ name }) => name === machine.instancetype);
  const has = (list: readonly { name: string }[] | undefined, name: string | undefined): string => (list?.some((item) => item.name === name) ? (name ?? '') : '');
  return {
    source: sourceOf(machine.source, present),
    description: machine.description ?? '',
    sizing: machine.instancetype === undefined ? 'own' : 'type',
    cores: machine.cores,
    memoryGib: Number((machine.memoryBytes / gib).toFixed(3)),
    type,
    preference: has(offers?.preferences.items, machine.preference),
    diskGib: Number((machine.diskBytes / gib).toFixed(3)),
    storageClass: has(offers?.storageClasses.items, machine.storageClass),
    firmware: machine.firmware,
    tpm: machine.tpm,
    diskBus: machine.diskBus,
    cards: machine.networks
      .map(answersOfCard)
      .filter(({ on }) => on === 'nat' || offers === undefined || offers.networks.items.some(({ network }) => network === on)),
    runStrategy: machine.runStrategy,
    cloudInit: {
      on: cloudInit !== undefined,
      form: cloudInit?.kind === 'form' ? { ...noCloudInitAnswers, ...cloudInit.answers } : noCloudInitAnswers,
      text: cloudInit?.kind === 'text' ? cloudInit.userData : undefined,
    },
  };
}

function sourceOf(source: MachineTemplate['machine']['source'], { images, offers }: Present): Source | undefined {
  if (source.kind === 'empty') return { kind: 'empty' };
  if (source.kind === 'volume') {
    const volume = offers?.volumes.items.find(({ claim }) => claim === source.claim);
    return volume && { kind: 'volume', volume };
  }
  const image = images.find(({ name }) => name === source.image);
  return image && { kind: 'image', image };
}
