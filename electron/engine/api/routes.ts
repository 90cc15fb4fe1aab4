/** Which part of the API answers a request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { User } from '../access/user.ts';
import type { ApiStore } from '../store/api-store.ts';
import { Catalogue } from './catalogue.ts';
import type { AnyDefinition, DocumentRoute, EngineModule, StreamRoute } from './definition.ts';
import { aggregated, apiGroup, apiGroupList, apiResourceList } from './discovery/api-resources.ts';
import { badRequest } from './errors.ts';
import { aggregatedDiscovery, negotiate, requireJson } from './http/negotiation.ts';
import { flagOf } from './http/query.ts';
import { methodNotAllowed, noSuchPath, warningHeaders, type Answer } from './http/respond.ts';
import { parseTarget, pathSegments, type Target } from './http/target.ts';
import { acceptsOpenApiProtobuf } from './openapi/protobuf-document.ts';
import { get, list, represent, type ReadContext } from './verbs/read.ts';
import { methodsOf } from './verbs/methods.ts';
import { serveSubresource } from './verbs/subresource.ts';
import { versionOf } from './version.ts';
import { watch } from './verbs/watch.ts';
import type { WriteContext, Written } from './verbs/replace.ts';
import { create, patch, remove, removeCollection, update } from './verbs/write.ts';

export interface Incoming {
  request: IncomingMessage;
  response: ServerResponse;
  path: string;
  query: URLSearchParams;
  user: User;
}

/** Undefined: the answer is being written already (a watch). */
export type Outcome = Answer | undefined;

interface Watching {
  end: () => void;
  of: AnyDefinition;
}

export class Routes {
  readonly #store: ApiStore;
  readonly #version: string;
  readonly #catalogue: Catalogue;
  readonly #documents: ReadonlyMap<string, DocumentRoute>;
  readonly #watches = new Set<Watching>();

  constructor(store: ApiStore, modules: readonly EngineModule[], version: string) {
    this.#store = store;
    this.#version = version;
    this.#catalogue = new Catalogue(modules, version);
    this.#documents = new Map(modules.flatMap(({ documents = [] }) => documents.map((document) => [document.path, document])));
    for (const { dynamic } of modules) dynamic?.follow(() => this.#endStaleWatches());
  }

  /** The stream that a path names, with where it leads; undefined when it names none. */
  stream(path: string): { route: StreamRoute; target: Target } | undefined {
    const target = parseTarget(pathSegments(path));
    const route = target && this.#catalogue.stream(target);
    return target && route ? { route, target } : undefined;
  }

  /** Ends every watch, as if its time were over: clients take it up again elsewhere, or here after a restart. */
  endWatches(): void {
    for (const { end } of this.#watches) end();
  }

  /** Ends the watches of kinds that are no longer served, or not as they were. */
  #endStaleWatches(): void {
    const { definitions } = this.#catalogue.current();
    for (const watching of this.#watches) if (!definitions.includes(watching.of)) watching.end();
  }

  #keep(watching: Watching, response: ServerResponse): void {
    this.#watches.add(watching);
    response.on('close', () => this.#watches.delete(watching));
  }

  async serve(incoming: Incoming): Promise<Outcome> {
    const { request, path, query } = incoming;
    const segments = pathSegments(path);
    const versionAnswer = versionOf(segments, this.#version);
    if (versionAnswer) return { status: 200, body: versionAnswer };
    if (segments[0] === 'openapi') return this.#openApiAnswer(segments.slice(1), request.headers.accept, query);
    const document = this.#documents.get(path);
    if (document) {
      if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed(request.method, ['GET', 'HEAD']);
      return document.read();
    }
    const found = this.#discovery(segments, request.headers.accept);
    if (found) {
      if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed(request.method, ['GET', 'HEAD']);
      return found;
    }
    const target = parseTarget(segments);
    if (!target) throw noSuchPath();
    const routes = this.#catalogue.subresources(target);
    const route = routes.find(({ method }) => method === request.method);
    if (route) return serveSubresource(route, target, request, query);
    if (this.#catalogue.stream(target)) {
      throw badRequest('this is a stream: open it as a WebSocket with the subprotocol plain.kubevirt.io');
    }
    if (routes.length > 0) throw methodNotAllowed(request.method, routes.map(({ method }) => method));
    const definition = this.#catalogue.definition(target);
    if (!definition) throw noSuchPath();
    return this.#resource(definition, target, incoming);
  }

  async #resource(definition: AnyDefinition, target: Target, { request, response, query, user }: Incoming): Promise<Outcome> {
    const method = request.method ?? '';
    const allowed = methodsOf(definition, target);
    if (!allowed) throw noSuchPath();
    if (!allowed.includes(method)) throw methodNotAllowed(method, allowed);
    const read: ReadContext = { store: this.#store, definition, target, request, query, user };
    const write: WriteContext = read;
    if (target.subresource === 'scale') {
      const { serveScale } = await import('./verbs/scale.ts');
      return serveScale(write);
    }
    const one = target.name !== undefined;
    switch (method) {
      case 'POST':
        return written(read, await create(write));
      case 'PUT':
        return written(read, await update(write));
      case 'PATCH':
        return written(read, await patch(write));
      case 'DELETE':
        return written(read, await (one ? remove(write) : removeCollection(write)));
      default:
        if (method === 'GET' && flagOf(query, 'watch') && target.subresource === undefined) {
          if (definition.compute) throw methodNotAllowed('watch', allowed);
          this.#keep({ end: watch(read, response), of: definition }, response);
          return undefined;
        }
        return one ? get(read) : list(read);
    }
  }

  #openApiAnswer([version, ...rest]: readonly string[], accept: string | undefined, query: URLSearchParams): Answer {
    const asProtobuf = version === 'v2' && acceptsOpenApiProtobuf(accept);
    if (!asProtobuf) requireJson(accept);
    if (version === 'v2' && rest.length === 0) return this.#catalogue.current().openApi.version2(asProtobuf);
    if (version !== 'v3') throw noSuchPath();
    const answer = rest.length === 0 ? this.#catalogue.current().openApi.index() : this.#catalogue.current().openApi.document(rest.join('/'), query.get('hash'));
    if (!answer) throw noSuchPath();
    return answer;
  }

  #discovery(segments: readonly string[], accept: string | undefined): Answer | undefined {
    const [root, group, version, ...rest] = segments;
    if ((root !== 'api' && root !== 'apis') || rest.length > 0) return undefined;
    if (group === undefined) {
      const form = aggregatedDiscovery(accept);
      if (form !== undefined) {
        const groups = new Map([...this.#catalogue.current().groups].filter(([name]) => (name === '') === (root === 'api')));
        const contentType = `application/json;g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`;
        return { status: 200, body: aggregated(groups, form), contentType };
      }
      if (root === 'apis') return { status: 200, body: apiGroupList(this.#catalogue.current().groups) };
      return { status: 200, body: { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] } };
    }
    if (root === 'api') {
      if (version !== undefined) return undefined;
      return this.#resourceList('', group);
    }
    if (version === undefined) {
      const versions = this.#catalogue.current().groups.get(group);
      if (!versions) throw noSuchPath();
      return { status: 200, body: apiGroup(versions) };
    }
    return this.#resourceList(group, version);
  }

  #resourceList(group: string, version: string): Answer {
    const served = this.#catalogue.current().groups.get(group)?.find((candidate) => candidate.version === version);
    if (!served) throw noSuchPath();
    return { status: 200, body: apiResourceList(served) };
  }
}

/** What was written, as the client wants to see it; a Status is what it is. */
function written({ definition, request, query }: ReadContext, { status, object, warnings }: Written): Answer {
  const headers = warningHeaders(warnings);
  if (object.kind === 'Status' || definition.answer) return { status, body: object, headers };
  const answer = represent(definition, object, negotiate(request.headers.accept), query);
  return { ...answer, status, headers };
}
