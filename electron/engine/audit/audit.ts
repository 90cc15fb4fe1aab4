/**
 * Who changed what, and whose login was refused: a line for each request, as an Event of audit.k8s.io/v1 at level Metadata.
 * What was sent and answered is not in it, so no secret can be.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { attributesOf } from '../access/attributes.ts';
import type { User } from '../access/user.ts';
import { parseTarget, pathSegments } from '../api/http/target.ts';
import { openRotatingFile, type RotatingFile } from '../rotating-file.ts';

export interface Audit {
  /** Notes the request when it has been answered, if it is one to be noted. `user` is asked then: it may not be known earlier. */
  follow(request: IncomingMessage, response: ServerResponse, user: () => User | undefined): void;
  /** Notes a request that has been answered already: a stream that was opened or refused. */
  note(request: IncomingMessage, code: number, user: User | undefined): void;
  close(): void;
}

const boundBytes = 8 * 2 ** 20;
const reading = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Kinds that are asked and change nothing. */
const review = /\/(self|local)?subject(access|rules)?reviews\b|\/tokenreviews\b/;
const secretParameter = /([?&][^=&]*(?:token|secret|password)[^=&]*=)[^&]*/gi;
const longestUri = 2000;

/** @param path the file, which is made with the first line; see rotating-file.ts for what becomes of it */
export function openAudit(path: string, bound = boundBytes): Audit {
  let file: RotatingFile | undefined;
  const note = (request: IncomingMessage, code: number, user: User | undefined, received = new Date()): void => {
    file ??= openRotatingFile(path, bound);
    file.add(`${JSON.stringify(eventOf(request, code, user, received))}\n`);
  };
  return {
    follow: (request, response, user) => {
      const changes = !reading.has(request.method ?? '') && !review.test(request.url ?? '');
      if (!changes && request.headers.authorization === undefined) return;
      const received = new Date();
      response.once('close', () => {
        if (changes || response.statusCode === 401) note(request, response.statusCode, user(), received);
      });
    },
    note: (request, code, user) => note(request, code, user),
    close: () => file?.close(),
  };
}

function eventOf(request: IncomingMessage, code: number, user: User | undefined, received: Date): object {
  const uri = (request.url ?? '').replaceAll(secretParameter, '$1…').slice(0, longestUri);
  const agent = request.headers['user-agent'];
  const { remoteAddress } = request.socket;
  return {
    ...{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', auditID: randomUUID(), stage: 'ResponseComplete', requestURI: uri },
    ...whatOf(request),
    user: user ? { username: user.name, ...(user.uid === undefined ? {} : { uid: user.uid }), groups: user.groups, ...(user.extra ? { extra: user.extra } : {}) } : {},
    ...(remoteAddress === undefined ? {} : { sourceIPs: [remoteAddress] }),
    ...(agent === undefined ? {} : { userAgent: agent.slice(0, 200) }),
    responseStatus: { metadata: {}, code },
    requestReceivedTimestamp: received.toISOString(),
    stageTimestamp: new Date().toISOString(),
  };
}

function whatOf({ method = '', url = '' }: IncomingMessage): { verb: string; objectRef?: object } {
  const path = url.split('?', 1)[0] ?? '';
  try {
    const { verb, group, resource, namespace, name } = attributesOf(method, path, new URLSearchParams());
    if (resource === undefined) return { verb };
    const { version, subresource } = parseTarget(pathSegments(path)) ?? {};
    return { verb, objectRef: { resource, namespace, name, apiGroup: group === '' ? undefined : group, apiVersion: version, subresource } };
  } catch {
    // A path that cannot be read names nothing.
    return { verb: method.toLowerCase() };
  }
}
