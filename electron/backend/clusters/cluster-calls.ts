/** Adding clusters from kubeconfigs, and what can be done with those that are there. */
import { stringify } from 'yaml';
import type { CallHandlers } from '#shared/channel/handlers.ts';
import type { KubeconfigContext, KubeconfigDraft } from '#shared/contract/clusters.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { Access } from './access.ts';
import type { Clusters } from './clusters.ts';
import { diagnose } from './diagnosis/diagnose.ts';
import { lookAtTls } from './diagnosis/tls-look.ts';
import { resolveContext, staticAccess, type ResolvedContext } from './kubeconfig/context-access.ts';
import { parseKubeconfig, type Kubeconfig } from './kubeconfig/document.ts';
import { Drafts, type Draft } from './kubeconfig/drafts.ts';
import { notAgreed, programOf, renewal } from './kubeconfig/program.ts';
import { selfContained } from './kubeconfig/self-contained.ts';
import { readKubeconfigText } from './kubeconfig.ts';

type ClusterCalls = Pick<CallHandlers, Extract<keyof CallHandlers, `clusters.${string}`>>;

const tlsMs = 6000;

export function clusterCalls(clusters: Clusters): ClusterCalls {
  const drafts = new Drafts();
  return {
    'clusters.read': (input) => {
      const found = 'text' in input ? [drafts.fromText(input.text, input.origin)] : 'path' in input ? [drafts.fromFile(input.path)] : drafts.usual();
      return Promise.resolve({ drafts: found.map((draft) => describe(draft, clusters)) });
    },
    'clusters.forget': ({ draftId }) => {
      drafts.forget(draftId);
      return Promise.resolve({});
    },
    'clusters.test': async ({ draftId, context, program, trust }, { signal }) => {
      const { access } = await chosen(drafts.get(draftId), context, program, trust);
      return diagnose(access, signal);
    },
    'clusters.add': async ({ draftId, context, program, trust, name }) => {
      const draft = drafts.get(draftId);
      const { resolved, access, ca } = await chosen(draft, context, program, trust);
      const { id } = clusters.files.add(name, selfContained(resolved, access, { name, ca, program: programOf(resolved.user) }));
      clusters.refresh();
      return { clusterId: id };
    },
    'clusters.reconnect': ({ clusterId }) => {
      clusters.get(clusterId).reconnect();
      return Promise.resolve({});
    },
    'clusters.diagnose': async ({ clusterId }, { signal }) => {
      const connection = clusters.get(clusterId);
      return diagnose(connection.access(), signal);
    },
    'clusters.rename': ({ clusterId, name }) => {
      const { path } = clusters.file(clusterId);
      const config = parseKubeconfig(readKubeconfigText(path), path);
      clusters.files.write(path, renamed(config, name));
      clusters.refresh();
      return Promise.resolve({});
    },
    'clusters.remove': ({ clusterId }) => {
      clusters.files.remove(clusters.file(clusterId).path);
      clusters.refresh();
      return Promise.resolve({});
    },
    'clusters.export': ({ clusterId }) => {
      const { id, path } = clusters.file(clusterId);
      return Promise.resolve({ fileName: `${id}.yaml`, text: readKubeconfigText(path) });
    },
  };
}

function describe({ id, config, folder }: Draft, clusters: Clusters): KubeconfigDraft {
  const views = clusters.topic.values();
  return {
    draftId: id,
    origin: config.origin,
    contexts: [...config.contexts].map(([name, { cluster, user }]) => {
      const server = config.clusters.get(cluster)?.server ?? '';
      const program = programOf(config.users.get(user ?? ''));
      const problem = problemOf(config, name, folder);
      const known = views.find((view) => view.server !== '' && view.server === server.replace(/\/+$/, ''));
      return {
        name,
        server,
        ...(user ? { user } : {}),
        ...(program === undefined ? {} : { program }),
        ...(problem === undefined ? {} : { problem }),
        ...(known ? { sameServerAs: known.name } : {}),
      } satisfies KubeconfigContext;
    }),
  };
}

function problemOf(config: Kubeconfig, name: string, folder: string | undefined): KubeconfigContext['problem'] {
  try {
    staticAccess(resolveContext(config, name), folder);
    return undefined;
  } catch (error) {
    return asHayloftError(error).toData();
  }
}

interface Chosen {
  resolved: ResolvedContext;
  access: Access;
  /** PEM of the authority that is trusted by its fingerprint. */
  ca: string | undefined;
}

/** The context with what the person agreed to: its program, and a certificate by its fingerprint. */
async function chosen({ config, folder, text }: Draft, context: string, program: string | undefined, trust: string | undefined): Promise<Chosen> {
  const resolved = resolveContext(config, context);
  const access = staticAccess(resolved, folder);
  const asked = programOf(resolved.user);
  if (asked !== undefined && asked !== program) throw notAgreed(asked);
  const ca = trust === undefined ? undefined : await authorityWith(access, trust);
  return {
    resolved,
    ca,
    access: {
      ...access,
      ...(ca === undefined ? {} : { ca, insecure: false }),
      ...(asked === undefined ? {} : { renew: renewal(withContext(text, config, context)) }),
    },
  };
}

/** The kubeconfig with another current context. */
function withContext(text: string, config: Kubeconfig, context: string): string {
  if (config.currentContext === context) return text;
  const { clusters, users, contexts } = config;
  return stringify({
    'current-context': context,
    clusters: [...clusters].map(([name, cluster]) => ({ name, cluster })),
    users: [...users].map(([name, user]) => ({ name, user })),
    contexts: [...contexts].map(([name, entry]) => ({ name, context: entry })),
  });
}

/** Asked for anew, so that what is trusted is what is there now, and is what was shown. */
async function authorityWith(access: Access, fingerprint: string): Promise<string> {
  const { authority } = await lookAtTls(access, tlsMs);
  if (authority.fingerprint256 !== fingerprint) {
    throw new HayloftError('untrusted', 'The server shows another certificate now than the one that was to be trusted.', {
      hint: 'Test the connection again, and compare the fingerprint.',
    });
  }
  return authority.toString();
}

/** A file that we keep has one context, whose name is the cluster's. */
function renamed(config: Kubeconfig, name: string): string {
  const { context, cluster, user } = resolveContext(config);
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster }],
    ...(user === undefined ? {} : { users: [{ name, user }] }),
    contexts: [{ name, context: { ...context, cluster: name, ...(user === undefined ? {} : { user: name }) } }],
  });
}
