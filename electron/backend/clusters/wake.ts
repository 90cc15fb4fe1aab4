/** Tells when this computer slept, or is in another network than before: connections from then lead nowhere. */
import { networkInterfaces } from 'node:os';

const lookEveryMs = 2000;
/** A look that comes this much later than it should was slept through. */
const sleptMs = 5000;
/** Networks of guests and containers on this computer, which come and go and lead to nobody else. */
const virtual = /^(lo|veth|tap|tun-vm|virbr|docker|br-|cni|flannel|cali|vnet|macvtap)/;

export interface WakeListener {
  /** It slept, for about this long in milliseconds. */
  woke(sleptMs: number): void;
  /** Its addresses are others than before. */
  moved(): void;
}

export class WakeWatch {
  readonly #listener: WakeListener;
  readonly #clock: () => number;
  readonly #addresses: () => string;
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = 0;
  #known = '';

  /** @param clock milliseconds of a clock that goes on while the computer sleeps, as `Date.now` does */
  constructor(listener: WakeListener, clock = Date.now, addresses = addressesNow) {
    this.#listener = listener;
    this.#clock = clock;
    this.#addresses = addresses;
  }

  /** Looks from now on; does nothing when it does already. */
  begin(): void {
    if (this.#timer) return;
    this.#lookedAt = this.#clock();
    this.#known = this.#addresses();
    this.#timer = setInterval(() => this.look(), lookEveryMs).unref();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  look(): void {
    const now = this.#clock();
    const late = now - this.#lookedAt - lookEveryMs;
    this.#lookedAt = now;
    const addresses = this.#addresses();
    const moved = addresses !== this.#known;
    this.#known = addresses;
    if (late > sleptMs) this.#listener.woke(late);
    else if (moved) this.#listener.moved();
  }
}

function addressesNow(): string {
  return Object.entries(networkInterfaces())
    .filter(([name]) => !virtual.test(name))
    .flatMap(([name, addresses]) => (addresses ?? []).map(({ address }) => `${name} ${address}`))
    .filter((line) => !/ fe80:/i.test(line))
    .sort()
    .join('\n');
}
