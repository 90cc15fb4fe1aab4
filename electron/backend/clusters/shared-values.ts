/** One copy of what many objects say in the same words. Each parsed list has copies of its own of every string in it. */

/** More different ones than this are not the same words: it begins anew, which costs nothing but copies. */
const most = 4096;
/** Longer texts tell of one object alone, mostly. In characters. */
const longest = 64;

export class SharedValues {
  readonly #strings = new Map<string, string>();
  readonly #objects = new Map<string, object>();

  string<T extends string | undefined>(text: T): T {
    if (text === undefined) return text;
    return known(this.#strings, text, () => text) as T;
  }

  /** For small objects that nobody changes. */
  object<T extends object | undefined>(value: T): T {
    if (value === undefined) return value;
    return known(this.#objects, JSON.stringify(value), () => value) as T;
  }

  /** Shares the short texts that an object has, in the object itself. @returns the object */
  texts<T extends object>(object: T): T {
    for (const [name, value] of Object.entries(object) as [keyof T, unknown][]) {
      if (typeof value === 'string' && value.length <= longest) object[name] = this.string(value) as T[keyof T];
    }
    return object;
  }
}

function known<T>(values: Map<string, T>, key: string, make: () => T): T {
  const value = values.get(key);
  if (value !== undefined) return value;
  if (values.size >= most) values.clear();
  const made = make();
  values.set(key, made);
  return made;
}
