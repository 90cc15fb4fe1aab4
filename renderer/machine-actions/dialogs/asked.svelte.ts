/** What a dialog asks of the backend when it opens. */
import { asHayloftError, type HayloftError } from '#shared/contract/errors.ts';

export interface Asked<T> {
  /** Undefined until it has come. */
  readonly value: T | undefined;
  readonly error: HayloftError | undefined;
}

export function asked<T>(asking: Promise<T>): Asked<T> {
  let value = $state.raw<T | undefined>(undefined);
  let error = $state.raw<HayloftError | undefined>(undefined);
  void asking.then(
    (answer) => (value = answer),
    (failure: unknown) => (error = asHayloftError(failure)),
  );
  return {
    get value() {
      return value;
    },
    get error() {
      return error;
    },
  };
}
