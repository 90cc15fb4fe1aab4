/** The form for a new machine while it is filled in: its answers, what the cluster offers for them, and what is wrong. */
import { noCloudInitAnswers } from '#shared/cloud-init/user-data.ts';
import { asHayloftError, type HayloftError } from '#shared/contract/errors.ts';
import type { Image } from '#shared/contract/images.ts';
import type { MachineTemplate } from '#shared/contract/machine-templates.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import type { NewMachineDefaults, Objection, Offers } from '#shared/contract/new-machine.ts';
import { uniqueName } from '#shared/kube/names.ts';
import { connection } from '../state/connection.svelte.ts';
import { useTopic } from '../state/topic.svelte.ts';
import { gib, problemsOf, requestOf, type Answers, type FieldName, type Problems, type Source } from './answers.ts';
import { natCard } from './network-answers.ts';
import { answersOfTemplate } from './template-answers.ts';

export type SourceTab = 'image' | 'volume' | 'snapshot';

/** Stands for no image; none can be called so. */
export const emptyDisk = '/empty';

const fields: ReadonlySet<string> = new Set<FieldName>([
  ...(['source', 'cores', 'memoryBytes', 'instancetype', 'preference', 'diskBytes', 'name', 'firmware', 'tpm', 'diskBus'] as const),
  ...(['networks', 'description', 'userData', 'storageClass', 'runStrategy'] as const),
]);

const asField = (text: string | undefined): FieldName | undefined => {
  const [first = ''] = text?.split('.') ?? [];
  return fields.has(first) ? (first as FieldName) : undefined;
};

const words = ({ message, hint }: Objection | HayloftError): string => [message, hint].join(' ').trim();

/** For as long as the component lives that makes it. */
export class NewMachineForm {
  readonly clusterId: string;
  readonly #images: ReturnType<typeof useTopic<'images'>>;
  /** Named in the address. */
  readonly #image: string | undefined;
  /** What the person wrote; it is kept when another image brings other defaults. */
  readonly written: Partial<Record<FieldName, true>> = {};
  tab = $state<SourceTab>('image');
  image = $state<string | undefined>(undefined);
  volume = $state<string | undefined>(undefined);
  snapshot = $state<string | undefined>(undefined);
  answers = $state<Omit<Answers, 'source'>>({
    ...{ name: '', description: '', sizing: 'own', cores: undefined, memoryGib: undefined, type: undefined, preference: '' },
    ...{ diskGib: undefined, storageClass: '', firmware: 'bios', tpm: false, diskBus: 'virtio', runStrategy: 'RerunOnFailure' },
    cards: [natCard()],
    cloudInit: { on: false, form: { ...noCloudInitAnswers }, text: undefined },
  });
  defaults = $state.raw<NewMachineDefaults | undefined>(undefined);
  defaultsError = $state.raw<HayloftError | undefined>(undefined);
  offers = $state.raw<Offers | undefined>(undefined);
  offersError = $state.raw<HayloftError | undefined>(undefined);
  /** What the cluster said to the answers as they were last sent. */
  objections = $state.raw<readonly (Objection | HayloftError)[]>([]);
  submitted = $state(false);
  creating = $state(false);
  /** A password was written whose hash is still to come. */
  hashing = $state(false);
  /** Name of the template that the answers come from. */
  template = $state<string | undefined>(undefined);
  readonly images: readonly Image[];
  readonly source: Source | undefined;
  readonly asked: Answers;
  readonly found: Problems;
  readonly problems: Problems;
  /** What the cluster has against it that is about no question. */
  readonly others: readonly (Objection | HayloftError)[];
  #asking = 0;
  #offering = 0;

  constructor(clusterId: string, image: string | undefined) {
    this.clusterId = clusterId;
    this.#image = image;
    this.#images = useTopic('images', { clusterId });
    this.images = $derived([...this.#images.items].sort((a, b) => b.created - a.created));
    this.source = $derived(this.#source());
    this.asked = $derived({ ...this.answers, source: this.source });
    this.found = $derived(problemsOf(this.asked, this.defaults, this.clusterId === 'local'));
    this.problems = $derived(this.#problems());
    this.others = $derived(this.objections.filter(({ field }) => asField(field) === undefined));
  }

  get imagesLoaded(): boolean {
    return this.#images.loaded;
  }

  /** Name of the image that is chosen, or was chosen for the person. */
  get imageName(): string | undefined {
    return this.image ?? this.#image ?? this.images.find(({ state }) => state === 'ready')?.name;
  }

  async loadDefaults(image: string | undefined): Promise<void> {
    const mine = ++this.#asking;
    try {
      const got = await connection.call('machines.defaults', { clusterId: this.clusterId, ...(image === undefined ? {} : { image }) });
      if (mine !== this.#asking) return;
      this.defaults = got;
      this.defaultsError = undefined;
      const { answers, written } = this;
      if (!written.cores) answers.cores = got.cores;
      if (!written.memoryBytes) answers.memoryGib = Number((got.memoryBytes / gib).toFixed(3));
      if (!written.diskBytes) answers.diskGib = Number((got.diskBytes / gib).toFixed(3));
      this.#guess(got);
      if (!written.name) answers.name = this.template === undefined ? got.name : uniqueName(this.template, got.takenNames);
    } catch (error) {
      if (mine === this.#asking) this.defaultsError = asHayloftError(error);
    }
  }

  /** What the image asks for, as far as nothing else decides. */
  #guess({ firmware, guess }: NewMachineDefaults): void {
    const { answers, written } = this;
    if (answers.preference !== '' || this.template !== undefined) return;
    if (!written.firmware) answers.firmware = firmware;
    if (!written.tpm) answers.tpm = guess?.tpm === true;
    if (!written.diskBus) answers.diskBus = guess?.noVirtio ? 'sata' : 'virtio';
    if (!written.networks) for (const card of answers.cards) card.model = guess?.noVirtio ? 'e1000' : 'virtio';
  }

  async loadOffers(namespace: string): Promise<void> {
    const mine = ++this.#offering;
    try {
      const got = await connection.call('machines.offers', { clusterId: this.clusterId, namespace });
      if (mine !== this.#offering) return;
      this.offers = got;
      this.offersError = undefined;
    } catch (error) {
      if (mine === this.#offering) this.offersError = asHayloftError(error);
    }
  }

  /** Another way to answer: what is missing for it is not to be told at once. */
  askAnew(): void {
    this.submitted = false;
    this.objections = [];
  }

  use(template: MachineTemplate): void {
    this.askAnew();
    const { source, ...answers } = answersOfTemplate(template, { images: this.images, offers: this.offers });
    this.template = template.name;
    for (const field of ['cores', 'memoryBytes', 'diskBytes', 'firmware', 'diskBus'] as const) this.written[field] = true;
    this.tab = source?.kind === 'volume' ? 'volume' : 'image';
    this.volume = source?.kind === 'volume' ? source.volume.claim : undefined;
    this.image = source?.kind === 'image' ? source.image.name : source?.kind === 'empty' ? emptyDisk : this.image;
    delete this.written.name;
    this.answers = { ...answers, name: uniqueName(template.name, this.defaults?.takenNames ?? []) };
  }

  /** A preference decides what was not decided; without one, what is usual. */
  prefer(preference: string): void {
    const { answers, written } = this;
    answers.preference = preference;
    if (preference === '') {
      if (answers.firmware === 'auto') answers.firmware = 'bios';
      if (answers.diskBus === 'auto') answers.diskBus = 'virtio';
      for (const card of answers.cards) if (card.model === 'auto') card.model = 'virtio';
      return;
    }
    if (!written.firmware) answers.firmware = 'auto';
    if (!written.diskBus) answers.diskBus = 'auto';
    if (!written.networks) for (const card of answers.cards) card.model = 'auto';
  }

  /** @returns the YAML that would be sent; what the cluster has against it is shown beside the questions. Throws a HayloftError. */
  async plan(): Promise<{ yaml: string; objects: { kind: string; name: string }[] }> {
    this.objections = [];
    try {
      const plan = await connection.call('machines.plan', requestOf(this.asked, this.clusterId, this.#namespace()));
      this.objections = plan.objections;
      return plan;
    } catch (error) {
      this.objections = [asHayloftError(error)];
      throw error;
    }
  }

  /** @returns undefined where it was refused; the reasons are shown then */
  async create(): Promise<ObjectRef | undefined> {
    this.creating = true;
    this.objections = [];
    try {
      return await connection.call('machines.create', requestOf(this.asked, this.clusterId, this.#namespace()));
    } catch (error) {
      this.objections = [asHayloftError(error)];
      return undefined;
    } finally {
      this.creating = false;
    }
  }

  #namespace(): string {
    return this.defaults?.namespace ?? 'default';
  }

  #source(): Source | undefined {
    if (this.tab === 'volume') {
      const volume = this.offers?.volumes.items.find(({ claim }) => claim === this.volume);
      return volume && { kind: 'volume', volume };
    }
    if (this.tab === 'snapshot') {
      const snapshot = this.offers?.snapshots.items.find(({ name }) => name === this.snapshot);
      return snapshot && { kind: 'snapshot', snapshot };
    }
    if (this.imageName === emptyDisk) return { kind: 'empty' };
    const image = this.images.find(({ name }) => name === this.imageName);
    return image && { kind: 'image', image };
  }

  #problems(): Problems {
    const said = this.objections.flatMap((objection) => {
      const field = asField(objection.field);
      return field === undefined ? [] : [[field, words(objection)] as const];
    });
    // Nobody is told of what is missing before they had the time to write it.
    const early = Object.entries(this.found).filter(([field]) => !['source', 'instancetype'].includes(field) && this.defaults);
    return { ...(this.submitted ? this.found : Object.fromEntries(early)), ...Object.fromEntries(said) };
  }
}
