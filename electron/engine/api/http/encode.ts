/** How an answer's body is written: as JSON or YAML, indented for people, packed for the wire. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { prefersYaml } from './negotiation.ts';
import { flagOf } from './query.ts';
import type { Answer } from './respond.ts';

const packed = promisify(gzip);
/** What is smaller is not worth the time; Kubernetes' own bound. */
const packFromBytes = 128 * 1024;

/** @returns the answer with its body as bytes, and with the headers that say how they are to be read */
export async function encode(request: IncomingMessage, query: URLSearchParams, answer: Answer): Promise<Answer> {
  const { body } = answer;
  if (body === undefined) return answer;
  const written = body instanceof Uint8Array ? answer : await asText(answer, request.headers.accept, flagOf(query, 'pretty'));
  return pack(request, written);
}

async function asText(answer: Answer, accept: string | undefined, pretty: boolean): Promise<Answer> {
  if (answer.contentType === undefined && prefersYaml(accept)) {
    const { stringify } = await import('yaml');
    return { ...answer, body: Buffer.from(stringify(answer.body, { aliasDuplicateObjects: false })), contentType: 'application/yaml' };
  }
  const text = pretty ? `${JSON.stringify(answer.body, undefined, 2)}\n` : JSON.stringify(answer.body);
  return { ...answer, body: Buffer.from(text), contentType: answer.contentType ?? 'application/json' };
}

/** Who sits on the same computer and speaks to the socket has no wire to save. */
async function pack(request: IncomingMessage, answer: Answer): Promise<Answer> {
  const bytes = answer.body as Uint8Array;
  const accepted = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(request.headers['accept-encoding'] ?? '');
  if (!accepted || bytes.length < packFromBytes || !('encrypted' in request.socket)) return answer;
  const body = await packed(bytes, { level: constants.Z_BEST_SPEED });
  return { ...answer, body, headers: { ...answer.headers, 'content-encoding': 'gzip', vary: 'accept-encoding' } };
}
