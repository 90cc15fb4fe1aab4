/** The web host's command line. */
import { parseArgs } from 'node:util';
import { HayloftError } from '#shared/contract/hayloft-error.ts';

/** Where the web host listens unless told otherwise, so that a bookmark goes on working. */
export const DEFAULT_PORT = 8680;

export const usage = `[--port N] [--data-dir DIR] [--no-open]
  --port       the port to listen on (0: any free one; without this: ${DEFAULT_PORT}, or a free one when that is taken)
  --data-dir   where Hayloft keeps its data
  --no-open    print the address and open no browser`;

export interface Flags {
  /** Undefined: the default, or any free one. */
  port: number | undefined;
  dataDir: string | undefined;
  open: boolean;
}

/** @throws HayloftError `bad-input` for flags that are unknown or make no sense */
export function readFlags(args: string[]): Flags {
  const { values } = parse(args);
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65535 && values.port !== '')) {
    throw new HayloftError('bad-input', `--port must be a number from 0 to 65535, not “${values.port ?? ''}”.`);
  }
  return { port, dataDir: values['data-dir'], open: !values['no-open'] };
}

function parse(args: string[]): { values: { port?: string; 'data-dir'?: string; 'no-open': boolean } } {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: 'string' },
        'data-dir': { type: 'string' },
        'no-open': { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new HayloftError('bad-input', error instanceof Error ? error.message : String(error), { cause: error });
  }
}
