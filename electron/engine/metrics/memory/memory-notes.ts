/** Tells of the memory that machines were promised: on the Node, and to whoever starts one more. */
import { freemem, totalmem } from 'node:os';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { EngineContext } from '../../context.ts';
import { nodes } from '../../core/node.ts';
import { inKi, reservedMemoryBytes } from '../../core/node-status.ts';
import { setCondition } from '../../machines/guests.ts';
import { memoryBytes } from '../../qemu/argv/argv.ts';
import type { Guest } from '../../qemu/types.ts';
import { timestamp } from '../../store/keys.ts';
import type { Sampler } from '../sampler.ts';
import { MEMORY_PROMISED_ANNOTATION, overcommitCondition, OVERCOMMITTED, warningFor, type HostMemory } from './judge.ts';

/** Starts and stops mostly come several at a time, and each write waits for the disk. */
const writeAfterMs = 1000;

export const hostMemory = (): HostMemory => ({
  allocatableBytes: Math.max(0, Math.floor(totalmem() - reservedMemoryBytes(totalmem()))),
  availableBytes: freemem(),
});

export class MemoryNotes {
  readonly #context: EngineContext;
  readonly #sampler: Sampler;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(context: EngineContext, sampler: Sampler) {
    this.#context = context;
    this.#sampler = sampler;
    this.#later();
  }

  /** What to say to somebody who starts a machine with so many bytes; undefined when there is nothing to warn of. */
  warning(bytes: number): string | undefined {
    return warningFor(bytes, this.#sampler.promisedBytes(), hostMemory());
  }

  /** Called when a guest began. Whoever started it may not have been told, or may have been the engine. */
  began(guest: Guest): void {
    // What is to be told can wait for the start.
    setImmediate(() => {
      if (!this.#stopped) this.#judge(guest);
    });
    this.changed(guest);
  }

  /** Called for each guest from when it is known. */
  changed(guest: Guest): void {
    this.#later();
    void guest.ended.then(() => this.#later());
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #judge(guest: Guest): void {
    const own = this.#sampler.machines().find((machine) => machine.guest === guest);
    if (!own) return;
    const bytes = memoryBytes(own.vmi.spec.domain);
    const warning = warningFor(bytes, this.#sampler.promisedBytes() - bytes, hostMemory());
    if (warning !== undefined) this.#context.events.record(own.vmi, 'Warning', OVERCOMMITTED, warning);
  }

  #later(): void {
    if (this.#stopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      try {
        this.#write();
      } catch (error) {
        this.#context.log.warn('The memory that machines were given could not be noted on the node', { error: String(error) });
      }
    }, writeAfterMs).unref();
  }

  #write(): void {
    const { resources, nodeName } = this.#context;
    const promised = this.#sampler.promisedBytes();
    const told = resources.get(nodes, undefined, nodeName);
    if (!told) return;
    if (parseQuantity(told.metadata.annotations?.[MEMORY_PROMISED_ANNOTATION]) !== promised) {
      resources.change(nodes, undefined, nodeName, ({ metadata }) => {
        metadata.annotations = { ...metadata.annotations, [MEMORY_PROMISED_ANNOTATION]: inKi(promised) };
      });
    }
    const { type, ...condition } = overcommitCondition(promised, hostMemory());
    resources.changeStatus(nodes, undefined, nodeName, (node) => {
      node.status = { ...node.status, conditions: setCondition(node.status?.conditions ?? [], type, condition, timestamp()) };
    });
  }
}
