/** Requests to subresources that modules serve. */
import type { IncomingMessage } from 'node:http';
import type { SubresourceRequest, SubresourceResponse, SubresourceRoute } from '../definition.ts';
import { contentTypeOf, parseJsonBody, parseYamlBody, readBody } from '../http/body.ts';
import { protobufType, readProtobufObject } from '../http/protobuf-kinds.ts';
import { warningHeaders, type Answer } from '../http/respond.ts';
import type { Target } from '../http/target.ts';

/** KubeVirt reads bodies as JSON or YAML whatever their type says, and an empty one as all defaults. */
export async function serveSubresource(
  route: SubresourceRoute,
  target: Target,
  request: IncomingMessage,
  query: URLSearchParams,
): Promise<Answer> {
  const bytes = await readBody(request);
  if (contentTypeOf(request) === protobufType) return answered(await route.handle(subresourceRequest(target, query, bytes.length === 0 ? undefined : readProtobufObject(bytes))));
  const looksLikeJson = /^\s*([{[]|$)/.test(bytes.subarray(0, 64).toString());
  const { value } = looksLikeJson ? parseJsonBody(bytes) : await parseYamlBody(bytes);
  return answered(await route.handle(subresourceRequest(target, query, value)));
}

const answered = ({ warnings = [], ...answer }: SubresourceResponse): Answer => ({ ...answer, headers: warningHeaders(warnings) });

/** What follows a subresource in a path: `['22', 'tcp']` of `portforward/22/tcp`. */
export function pathBelow(subresource: string, path = subresource): string[] {
  return path.slice(subresource.length).split('/').filter((part) => part !== '');
}

export function subresourceRequest(target: Target, query: URLSearchParams, body?: unknown): SubresourceRequest {
  return { namespace: target.namespace ?? '', name: target.name ?? '', query, body };
}
