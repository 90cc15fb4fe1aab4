/** Which part of the API answers a request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiStore } from '../store/api-store.ts';
import type { AnyDefinition, EngineModule, StreamRoute, SubresourceRoute } from './definition.ts';
import { aggregated, apiGroup, apiGroupList, apiResourceList, servedVersions, type ServedVersion } from './discovery/api-resources.ts';
import { badRequest } from './errors.ts';
import { aggregatedDiscovery, negotiate, requireJson } from './http/negotiation.ts';
import { flagOf } from './http/query.ts';
import { methodNotAllowed, noSuchPath, warningHeaders, type Answer } from './http/respond.ts';
import { parseTarget, pathSegments, type Target } from './http/target.ts';
import { OpenApi } from './openapi/documents.ts';
import { acceptsOpenApiProtobuf } from './openapi/protobuf-document.ts';
import { get, list, represent, type ReadContext } from './verbs/read.ts';
import { serveSubresource } from './verbs/subresource.ts';
import { watch } from './verbs/watch.ts';
import { create, patch, remove, removeCollection, update, type WriteContext, type Written } from './verbs/write.ts';

export interface Incoming {
  request: IncomingMessage;
  response: ServerResponse;
  path: string;
  query: URLSearchParams;
}

/** Undefined: the answer is being written already (a watch). */
export type Outcome = Answer | undefined;

export class Routes {
  readonly #store: ApiStore;
  readonly #version: string;
  readonly #definitions: readonly AnyDefinition[];
  readonly #subresources: readonly SubresourceRoute[];
  readonly #streams: readonly StreamRoute[];
  readonly #groups = new Map<string, ServedVersion[]>();
  readonly #openApi: OpenApi;
  readonly #watches = new Set<() => void>();

  constructor(store: ApiStore, modules: readonly EngineModule[], version: string) {
    this.#store = store;
    this.#version = version;
    this.#definitions = modules.flatMap((module) => module.definitions);
    this.#openApi = new OpenApi(this.#definitions, version);
    this.#subresources = modules.flatMap((module) => module.subresources ?? []);
    this.#streams = modules.flatMap((module) => module.streams ?? []);
    for (const served of servedVersions(modules)) {
      this.#groups.set(served.group, [...(this.#groups.get(served.group) ?? []), served]);
    }
  }

  /** The stream that a path names, with where it leads; undefined when it names none. */
  stream(path: string): { route: StreamRoute; target: Target } | undefined {
    const target = parseTarget(pathSegments(path));
    const route = target && this.#streams.find((candidate) => fits(candidate, target));
    return target && route ? { route, target } : undefined;
  }

  /** Ends every watch, as if its time were over: clients take it up again elsewhere, or here after a restart. */
  endWatches(): void {
    for (const end of this.#watches) end();
  }

  #keep(end: () => void, response: ServerResponse): void {
    this.#watches.add(end);
    response.on('close', () => this.#watches.delete(end));
  }

  async serve(incoming: Incoming): Promise<Outcome> {
    const { request, path, query } = incoming;
    const segments = pathSegments(path);
    if (segments[0] === 'version' && segments.length === 1) return { status: 200, body: this.#versionInfo() };
    if (segments[0] === 'openapi') return this.#openApiAnswer(segments.slice(1), request.headers.accept, query);
    const found = this.#discovery(segments, request.headers.accept);
    if (found) return found;
    const target = parseTarget(segments);
    if (!target) throw noSuchPath();
    const route = this.#subresources.find((candidate) => fits(candidate, target) && candidate.method === request.method);
    if (route) return serveSubresource(route, target, request, query);
    if (this.#streams.some((candidate) => fits(candidate, target))) {
      throw badRequest('this is a stream: open it as a WebSocket with the subprotocol plain.kubevirt.io');
    }
    if (this.#subresources.some((candidate) => fits(candidate, target))) throw methodNotAllowed(request.method);
    const definition = this.#definitions.find(
      ({ group, version, plural }) => group === target.group && version === target.version && plural === target.resource,
    );
    if (!definition) throw noSuchPath();
    return this.#resource(definition, target, incoming);
  }

  async #resource(definition: AnyDefinition, target: Target, { request, response, query }: Incoming): Promise<Outcome> {
    const { subresource, name } = target;
    if (subresource !== undefined && !(subresource === 'status' && definition.statusSubresource)) throw noSuchPath();
    if (!definition.namespaced && target.namespace !== undefined) throw noSuchPath();
    if (definition.namespaced && target.namespace === undefined && name !== undefined) throw noSuchPath();
    const read: ReadContext = { store: this.#store, definition, target, request, query };
    const write: WriteContext = read;
    const method = request.method ?? '';
    if (definition.answer && method !== 'POST') throw methodNotAllowed(method);
    // All namespaces together can be read; what is written lives in one.
    if (definition.namespaced && target.namespace === undefined && method !== 'GET') throw methodNotAllowed(method);
    switch (method) {
      case 'GET':
        if (flagOf(query, 'watch')) {
          this.#keep(watch(read, response), response);
          return undefined;
        }
        return name === undefined ? list(read) : get(read);
      case 'POST':
        if (name !== undefined) throw methodNotAllowed(method);
        return written(read, await create(write));
      case 'PUT':
        if (name === undefined) throw methodNotAllowed(method);
        return written(read, await update(write));
      case 'PATCH':
        if (name === undefined) throw methodNotAllowed(method);
        return written(read, await patch(write));
      case 'DELETE':
        if (subresource !== undefined) throw methodNotAllowed(method);
        return written(read, await (name === undefined ? removeCollection(write) : remove(write)));
      default:
        throw methodNotAllowed(method);
    }
  }

  #versionInfo(): Record<string, string> {
    // Clients compare with Kubernetes' versions; what comes after the plus says whose this is.
    return {
      major: '1',
      minor: '32',
      gitVersion: `v1.32.0+hayloft-${this.#version}`,
      gitCommit: '',
      gitTreeState: 'clean',
      buildDate: '1970-01-01T00:00:00Z',
      goVersion: '',
      compiler: '',
      platform: `${process.platform}/${process.arch}`,
    };
  }

  #openApiAnswer([version, ...rest]: readonly string[], accept: string | undefined, query: URLSearchParams): Answer {
    const asProtobuf = version === 'v2' && acceptsOpenApiProtobuf(accept);
    if (!asProtobuf) requireJson(accept);
    if (version === 'v2' && rest.length === 0) return this.#openApi.version2(asProtobuf);
    if (version !== 'v3') throw noSuchPath();
    const answer = rest.length === 0 ? this.#openApi.index() : this.#openApi.document(rest.join('/'), query.get('hash'));
    if (!answer) throw noSuchPath();
    return answer;
  }

  #discovery(segments: readonly string[], accept: string | undefined): Answer | undefined {
    const [root, group, version, ...rest] = segments;
    if ((root !== 'api' && root !== 'apis') || rest.length > 0) return undefined;
    if (group === undefined) {
      const form = aggregatedDiscovery(accept);
      if (form !== undefined) {
        const groups = new Map([...this.#groups].filter(([name]) => (name === '') === (root === 'api')));
        const contentType = `application/json;g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`;
        return { status: 200, body: aggregated(groups, form), contentType };
      }
      if (root === 'apis') return { status: 200, body: apiGroupList(this.#groups) };
      return { status: 200, body: { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] } };
    }
    if (root === 'api') {
      if (version !== undefined) return undefined;
      return this.#resourceList('', group);
    }
    if (version === undefined) {
      const versions = this.#groups.get(group);
      if (!versions) throw noSuchPath();
      return { status: 200, body: apiGroup(versions) };
    }
    return this.#resourceList(group, version);
  }

  #resourceList(group: string, version: string): Answer {
    const served = this.#groups.get(group)?.find((candidate) => candidate.version === version);
    if (!served) throw noSuchPath();
    return { status: 200, body: apiResourceList(served) };
  }
}

function fits(route: SubresourceRoute | StreamRoute, target: Target): boolean {
  return (
    route.group === target.group &&
    route.versions.includes(target.version) &&
    route.resource === target.resource &&
    route.subresource === target.subresource
  );
}

/** What was written, as the client wants to see it; a Status is what it is. */
function written({ definition, request, query }: ReadContext, { status, object, warnings }: Written): Answer {
  const headers = warningHeaders(warnings);
  if (object.kind === 'Status' || definition.answer) return { status, body: object, headers };
  const answer = represent(definition, object, negotiate(request.headers.accept), query);
  return { ...answer, status, headers };
}
