/** How the service manager tells the engine that the host goes down: `POST /hayloft/rest?seconds=N`, and `DELETE` when it does not. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { RawRoute } from '../../api/definition.ts';
import { putToRest, wakeUp, type RestParts } from './rest.ts';

export const REST_PATH = '/hayloft/rest';
const mostSeconds = 24 * 3600;

/** @param parts known once the module has started */
export function restRoute(parts: () => RestParts): RawRoute {
  return {
    path: REST_PATH,
    methods: ['POST', 'DELETE'],
    handle: async (request, response) => {
      if (!isOwner(request, parts().context.dataDir)) {
        answer(response, 401, { message: 'Only the engine’s owner puts its machines to rest.' });
        return;
      }
      if (request.method === 'DELETE') {
        wakeUp(parts());
        answer(response, 200, {});
        return;
      }
      const text = new URL(request.url ?? '', 'http://engine').searchParams.get('seconds') ?? '';
      const seconds = Number(text);
      if (!/^\d+$/.test(text) || seconds > mostSeconds) {
        answer(response, 400, { message: `seconds has to be a whole number, ${mostSeconds} at most` });
        return;
      }
      answer(response, 200, { rested: await putToRest(parts(), seconds * 1000) });
    },
  };
}

/** The owner alone: this concerns the whole computer. Whoever may read the data folder has the token. */
function isOwner({ headers }: IncomingMessage, dataDir: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const token = readFileSync(join(dataDir, 'token'), 'utf8').trim();
  return timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${token}`));
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
