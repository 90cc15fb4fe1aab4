/** How a kind is told to the engine, and how a part of the engine (a module) is told to it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { KubeObject } from '#shared/kube/object.ts';
import type { User } from '../access/user.ts';
import type { EngineContext } from '../context.ts';
import type { Shape } from './ownership/shape.ts';
import type { ObjectSchema } from './schema.ts';
import type { Findings } from './schema-checks/validate.ts';

/** One column of `kubectl get`. `priority` 0 (default) is always shown, 1 with `-o wide`. */
export interface Column<T extends KubeObject> {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  format?: string;
  description?: string;
  priority?: number;
  value(object: T): string | number | boolean | null | undefined;
}

export interface Admission<T extends KubeObject> {
  operation: 'create' | 'update';
  /** May be changed in place: this is where defaults are filled in. */
  object: T;
  /** What was stored before; absent on create. */
  old: T | undefined;
  /** Tells the client's person something without refusing anything (a `Warning` header). */
  warn(text: string): void;
}

/** A schema that says more than the engine's own language can, in OpenAPI's words. */
export interface CustomSchema {
  /** Changes the object in place, see {@link Findings}. `partial`: what is applied may lack what others give. */
  check(object: KubeObject, options: { partial: boolean }): Findings;
  /** Of the whole object, as `/openapi/*` shows it. */
  readonly openApi: Record<string, unknown>;
  /** Of everything beside metadata. */
  readonly shape: Shape;
  /** Makes of what is stored, in place, what this version of the kind shows of it. Absent: all of it. */
  show?(object: KubeObject): void;
}

/** Where a kind counts its copies, as simple JSON paths (`.spec.replicas`): what `/scale` reads and writes. */
export interface ScalePaths {
  specReplicasPath: string;
  statusReplicasPath: string;
  labelSelectorPath?: string;
}

/** Everything that the API server needs to serve one kind. */
export interface ResourceDefinition<T extends KubeObject = KubeObject> {
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  shortNames?: readonly string[];
  categories?: readonly string[];
  namespaced: boolean;
  /** Of everything beside apiVersion, kind and metadata. */
  schema: ObjectSchema;
  /** In place of `schema`. */
  custom?: CustomSchema;
  columns?: readonly Column<T>[];
  /** Came by a CustomResourceDefinition: as on a cluster, strategic merge patches are not for it. */
  added?: true;
  /** Served at `/scale`. */
  scale?: ScalePaths;
  /** Awaited before anything of the kind is written: loads what is needed for that alone. @param body what was sent, read already or not */
  prepare?(body: KubeObject | Buffer): Promise<void>;
  /** Gone with the host's power anyway, or no loss then: written without waiting for the disk. */
  transient?: true;
  /** Status is written through `/status` alone and ignored elsewhere; `generation` counts spec changes. */
  statusSubresource: boolean;
  /** Fills in defaults and checks what the schema cannot say. Throws an ApiError (see `invalid`). */
  admit?(admission: Admission<T>): void;
  /** For kinds that are asked and not kept (token and access reviews): answers a create, nothing is stored. */
  answer?(object: T, asker: User): T | Promise<T>;
  /** For kinds that are worked out when they are read (metrics): get and list are all there is, nothing is stored. */
  compute?(): KubeObject[] | Promise<KubeObject[]>;
}

/** A definition whatever its object type is: for lists of them. Method bivariance makes this sound enough. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyDefinition = ResourceDefinition<any>;

/** `v1`, `kubevirt.io/v1` */
export const apiVersionOf = ({ group, version }: Pick<AnyDefinition, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;

/**
 * Whether a kind takes strategic merge patches: on a cluster those of Kubernetes itself do and those that are added to it
 * (CRDs) do not, and what works here must work there.
 */
export const takesStrategicPatches = ({ group, added }: Pick<AnyDefinition, 'group' | 'added'>): boolean =>
  added !== true && (!group.includes('.') || group.endsWith('.k8s.io'));

/** A request to a subresource, already authenticated. */
export interface SubresourceRequest {
  /** Empty for what is in no namespace. */
  namespace: string;
  name: string;
  query: URLSearchParams;
  /** The parsed body (JSON or YAML); undefined when it was empty. */
  body: unknown;
  /** What follows the subresource in the path, for a stream that takes it. */
  path?: readonly string[];
  /** Whoever asks for a stream can open sockets of the engine's own and wants to: see `Lease`. */
  direct?: boolean;
}

export interface SubresourceResponse {
  status: number;
  /** Written as JSON; bytes are written as they are. Absent: an empty body. */
  body?: unknown;
  contentType?: string;
  /** Said to the client's person (a `Warning` header each). */
  warnings?: readonly string[];
}

/** `{method} /apis/{group}/{version}/namespaces/{ns}/{resource}/{name}/{subresource}` */
export interface SubresourceRoute {
  group: string;
  versions: readonly string[];
  resource: string;
  /** Empty: the resource itself is asked, in a namespace and without a name (`namespaces/{ns}/expand-vm-spec`). */
  subresource: string;
  method: 'GET' | 'PUT' | 'POST';
  handle(request: SubresourceRequest): SubresourceResponse | Promise<SubresourceResponse>;
}

/** A WebSocket subresource: raw bytes in binary frames over the subprotocol `plain.kubevirt.io`. */
export interface StreamRoute {
  group: string;
  versions: readonly string[];
  resource: string;
  subresource: string;
  /** More may follow in the path (`portforward/22/tcp`); the request tells it. */
  takesPath?: true;
  /** Called before the upgrade, so that an ApiError thrown here arrives as an HTTP answer. */
  connect(request: SubresourceRequest): Promise<Duplex>;
}

/** A path that is not a Kubernetes resource and does its own authentication (CDI's upload proxy). */
export interface RawRoute {
  path: string;
  /** All paths that begin so are its own. */
  isPrefix?: true;
  methods: readonly string[];
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** Kinds that come and go while the engine runs. */
export interface DynamicKinds {
  /** Grows with every change. */
  readonly generation: number;
  definitions(): readonly AnyDefinition[];
  /** Calls `listener` after every change. */
  follow(listener: () => void): void;
}

/** A document at a path of its own (`/metrics`), for those whose roles name the path (`nonResourceURLs`). */
export interface DocumentRoute {
  path: string;
  read(): Promise<SubresourceResponse>;
}

/** A part of the engine: kinds, routes, and the controllers behind them. */
export interface EngineModule {
  name: string;
  definitions: readonly AnyDefinition[];
  dynamic?: DynamicKinds;
  subresources?: readonly SubresourceRoute[];
  streams?: readonly StreamRoute[];
  raw?: readonly RawRoute[];
  documents?: readonly DocumentRoute[];
  /** Starts controllers. Called once the store is open, before the server listens. */
  start(context: EngineContext): Promise<void>;
  /** Stops controllers and waits for them. Running guests are left alone. */
  stop(): Promise<void>;
}
