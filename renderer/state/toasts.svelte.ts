/** Short messages at the edge of the window: what was done, or what went wrong and what to do. */
import { asHayloftError } from '#shared/contract/errors.ts';

export interface Toast {
  id: number;
  tone: 'good' | 'bad';
  title: string;
  detail: string | undefined;
}

const goodStaysMs = 5000;
let lastId = 0;

class Toasts {
  list = $state.raw<Toast[]>([]);

  /** Says that something was done; goes by itself, unless there is more to be read of it. */
  done(title: string, detail?: string): void {
    const { id } = this.#add({ tone: 'good', title, detail });
    if (detail === undefined) setTimeout(() => this.dismiss(id), goodStaysMs);
  }

  /** Says what went wrong; stays until it is read. */
  failed(error: unknown): void {
    const known = asHayloftError(error);
    this.#add({ tone: 'bad', title: known.message, detail: known.hint });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(toast: Omit<Toast, 'id'>): Toast {
    lastId += 1;
    const added = { ...toast, id: lastId };
    this.list = [...this.list, added];
    return added;
  }
}

export const toasts = new Toasts();
