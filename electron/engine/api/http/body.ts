/** Reading request bodies: bounded in size and time; JSON, YAML, or protocol buffers. */
import type { IncomingMessage } from 'node:http';
import { ApiError, badRequest } from '../errors.ts';
import { inspectKeys } from './json-keys.ts';
import { protobufType, readProtobufObject } from './protobuf-kinds.ts';

/** The same bound as Kubernetes' own. */
export const maxBodyBytes = 3 * 1024 * 1024;
const bodyTimeoutMs = 60_000;

export interface ParsedBody {
  /** Undefined for an empty body. */
  value: unknown;
  /** Paths of keys that came twice; the last one counts. */
  duplicates: string[];
}

const jsonTypes = ['', 'application/json'];
const yamlTypes = ['application/yaml', 'application/x-yaml', 'text/yaml'];

export const contentTypeOf = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

/** @throws ApiError 413 when it is too large, 408 when it does not come */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBodyBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => settle(new ApiError(408, 'Timeout', 'The request’s body did not arrive in time.')), bodyTimeoutMs);
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      request.removeAllListeners('data');
      if (error === undefined) { resolve(Buffer.concat(chunks)); return; }
      // What still comes is dropped, so that the answer can be written and read.
      request.resume();
      reject(error);
    };
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBodyBytes) settle(tooLarge());
      else chunks.push(chunk);
    });
    request.on('end', () => settle());
    request.on('error', settle);
    request.on('close', () => settle(badRequest('The connection was closed before the whole body had arrived.')));
  });
}

/** @throws ApiError 400 for malformed text, 415 for a type that cannot be read */
export async function parseBody(bytes: Buffer, contentType: string): Promise<ParsedBody> {
  if (jsonTypes.includes(contentType)) return parseJsonBody(bytes);
  if (yamlTypes.includes(contentType)) return parseYamlBody(bytes);
  if (contentType === protobufType) return { value: bytes.length === 0 ? undefined : readProtobufObject(bytes), duplicates: [] };
  throw new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml (it was sent as ${contentType})`,
  );
}

export function parseJsonBody(bytes: Buffer): ParsedBody {
  const text = textOf(bytes);
  if (text.trim() === '') return { value: undefined, duplicates: [] };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest(`the request's body is not valid JSON: ${messageOf(error)}`);
  }
  return { value, duplicates: checkedKeys(text) };
}

export async function parseYamlBody(bytes: Buffer): Promise<ParsedBody> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(textOf(bytes), { uniqueKeys: false, merge: true });
  const [problem] = document.errors;
  if (problem) throw badRequest(`the request's body is not valid YAML: ${problem.message}`);
  if (document.contents === null) return { value: undefined, duplicates: [] };
  try {
    const text = JSON.stringify(document.toJS({ maxAliasCount: 100 }));
    const strict = parseDocument(textOf(bytes), { merge: true }).errors.filter(({ code }) => code === 'DUPLICATE_KEY');
    checkedKeys(text);
    return { value: JSON.parse(text) as unknown, duplicates: strict.map(({ linePos }) => `line ${linePos?.[0].line ?? 0}`) };
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw badRequest(`the request's body is not valid YAML: ${messageOf(error)}`);
  }
}

function checkedKeys(text: string): string[] {
  const { duplicates, reachesPrototype } = inspectKeys(text);
  if (reachesPrototype) throw badRequest('the request\'s body has a field named "__proto__", which is not allowed');
  return duplicates;
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badRequest("the request's body is not valid UTF-8");
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const tooLarge = (): ApiError =>
  new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes} bytes`);
