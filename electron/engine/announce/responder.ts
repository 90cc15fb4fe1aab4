/**
 * Announces the engine by multicast DNS: makes sure that its names are free, says that it is there, answers who asks, and
 * says goodbye. Source: RFC 6762. Over IPv4; IPv6 addresses are among what it tells.
 */
import type { RemoteInfo } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../context.ts';
import { types, type DnsMessage, type DnsRecord, type Question } from './dns-message.ts';
import { Link, linksNow, mdnsPort } from './link.ts';
import { namesFor, serviceType, sharedRecords, uniqueRecords, type Announced, type ServiceNames } from './service-records.ts';

const probes = 3;
const probeEveryMs = 250;
/** After it turned out that another had begun at the same moment and goes first. */
const yieldMs = 1000;
const announceAgainMs = 1000;
const lookEveryMs = 30_000;
/** More computers of one name are a fault somewhere, and not ours to number. */
const mostAttempts = 100;

export interface ResponderOptions {
  /** May say something else each time; see {@link Responder.tell}. */
  announced: () => Announced;
  /** Whether others are to be told an address. */
  serves: (address: string) => boolean;
  log: Log;
}

type Objection = 'conflict' | 'yield';

export class Responder {
  readonly #options: ResponderOptions;
  readonly #links = new Map<string, Link>();
  readonly #stopped = new AbortController();
  #attempt = 1;
  #names: ServiceNames;
  #state: 'probing' | 'announced' = 'probing';
  #trouble: Objection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#names = namesFor(options.announced().host, 1);
  }

  /** Returns at once; everything else goes on beside the engine, which does not need it. */
  start(): void {
    this.#next(() => this.#look());
    this.#timer = setInterval(() => this.#next(() => this.#look()), lookEveryMs);
    this.#timer.unref();
  }

  /** The name by which this computer's engine is found, such as `loft-hayloft.local`. */
  get host(): string {
    return this.#names.host;
  }

  /** Something of what is announced is different now. */
  tell(): void {
    this.#next(() => (this.#state === 'announced' ? this.#announce() : Promise.resolve()));
  }

  /** Says goodbye. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort();
    await this.#work;
    for (const link of this.#links.values()) {
      if (this.#state === 'announced') {
        const answers = this.#records(link).map((record) => ({ ...record, ttl: 0 }));
        await link.send({ response: true, answers: answers.filter(({ name }) => !name.startsWith('_services.')) });
      }
      link.close();
    }
    this.#links.clear();
  }

  #next(step: () => Promise<void>): void {
    this.#work = this.#work.then(step).catch((error: unknown) => {
      if (!this.#stopped.signal.aborted) this.#options.log.warn('The engine could not be announced', { error });
    });
  }

  /** Joins networks that have come, leaves those that are gone, and announces on what is new. */
  async #look(): Promise<void> {
    const now = new Map(linksNow(this.#options.serves).map((address) => [JSON.stringify(address), address]));
    for (const [key, link] of this.#links) {
      if (now.has(key)) continue;
      link.close();
      this.#links.delete(key);
    }
    const fresh = [...now].filter(([key]) => !this.#links.has(key));
    for (const [key, address] of fresh) {
      try {
        this.#links.set(key, await Link.open(address, (link, message, from) => this.#hear(link, message, from), this.#options.log));
      } catch (error) {
        this.#options.log.warn('A network cannot be announced on', { network: address.name, error });
      }
    }
    if (fresh.length > 0) await this.#claim();
  }

  /** Finds names that nobody has, and announces them. */
  async #claim(): Promise<void> {
    const { signal } = this.#stopped;
    for (;;) {
      this.#state = 'probing';
      const trouble = await this.#ask();
      if (trouble === undefined) break;
      if (trouble === 'yield') {
        await delay(yieldMs, undefined, { signal });
        continue;
      }
      if (this.#attempt >= mostAttempts) throw new Error(`All names like ${this.#names.instance} are taken.`);
      this.#attempt += 1;
      this.#names = namesFor(this.#options.announced().host, this.#attempt);
    }
    this.#state = 'announced';
    this.#options.log.info('The engine is announced', { name: this.#names.instance, networks: [...this.#links.values()].map(({ address }) => address.name) });
    await this.#announce();
    await delay(announceAgainMs, undefined, { signal });
    await this.#announce();
  }

  /** Asks for our names until somebody objects, or had the time to. */
  async #ask(): Promise<Objection | undefined> {
    const objection = (): Objection | undefined => this.#trouble;
    this.#trouble = undefined;
    for (let n = 0; n < probes && objection() === undefined; n += 1) {
      await this.#probe();
      await delay(probeEveryMs, undefined, { signal: this.#stopped.signal });
    }
    return objection();
  }

  async #probe(): Promise<void> {
    const questions = [this.#names.instance, this.#names.host].map((name) => ({ name, type: types.ANY }));
    for (const link of this.#links.values()) {
      const authorities = this.#unique(link).map((record) => ({ ...record, unique: false }));
      await link.send({ questions, authorities });
    }
  }

  async #announce(): Promise<void> {
    for (const link of this.#links.values()) await link.send({ response: true, answers: this.#records(link) });
  }

  #unique(link: Link): DnsRecord[] {
    return uniqueRecords(this.#options.announced(), this.#names, link.address.addresses);
  }

  #records(link: Link): DnsRecord[] {
    return [...sharedRecords(this.#names), ...this.#unique(link)];
  }

  #hear(link: Link, message: DnsMessage, from: RemoteInfo): void {
    if (message.response) this.#hearAnswer(message);
    else if (this.#state === 'announced') this.#answer(link, message, from);
    else this.#hearProbe(link, message);
  }

  /** Somebody has records of our names that are not ours. */
  #hearAnswer({ answers, additionals }: DnsMessage): void {
    const ours = [...this.#links.values()].flatMap((link) => this.#unique(link));
    const theirs = [...answers, ...additionals].filter(({ ttl, type }) => ttl > 0 && type !== types.TXT);
    const differs = theirs.some((record) => {
      const same = ours.filter(({ name, type }) => type === record.type && name.toLowerCase() === record.name.toLowerCase());
      return same.length > 0 && !same.some(({ data }) => data.equals(record.data));
    });
    if (!differs) return;
    this.#trouble = 'conflict';
    // Whoever comes later has to give way, and finds out by asking; if it is us after all, so do we.
    if (this.#state === 'announced') this.#next(() => this.#claim());
  }

  /** Two who ask at the same moment: the one whose data sorts later goes first. */
  #hearProbe(link: Link, { authorities }: DnsMessage): void {
    const mine = this.#unique(link).find(({ type }) => type === types.SRV);
    const theirs = authorities.find(({ type, name }) => type === types.SRV && name.toLowerCase() === mine?.name.toLowerCase());
    if (mine && theirs && Buffer.compare(mine.data, theirs.data) < 0) this.#trouble = 'yield';
  }

  #answer(link: Link, { id, questions, answers: known }: DnsMessage, from: RemoteInfo): void {
    const all = this.#records(link);
    const answers = all.filter((record) => questions.some((question) => asksFor(question, record)) && !known.some((other) => isKnown(other, record)));
    if (answers.length === 0) return;
    // Who finds the service asks for the rest next.
    const additionals = answers.some(({ name }) => name === serviceType) ? all.filter((record) => record.unique === true && !answers.includes(record)) : [];
    if (from.port !== mdnsPort) {
      // A plain resolver: it wants its own question back, and does not know about unique records.
      const plain = (record: DnsRecord): DnsRecord => ({ ...record, unique: false, ttl: Math.min(record.ttl, 10) });
      void link.send({ id, response: true, questions, answers: answers.map(plain), additionals: additionals.map(plain) }, from);
      return;
    }
    void link.send({ response: true, answers, additionals }, questions.every(({ unicast }) => unicast === true) ? from : undefined);
  }
}

const asksFor = ({ name, type }: Question, record: DnsRecord): boolean =>
  (type === types.ANY || type === record.type) && name.toLowerCase() === record.name.toLowerCase();

/** The asker has it already, and for some time to come. */
const isKnown = (other: DnsRecord, record: DnsRecord): boolean =>
  other.type === record.type && other.name.toLowerCase() === record.name.toLowerCase() && other.data.equals(record.data) && other.ttl >= record.ttl / 2;
