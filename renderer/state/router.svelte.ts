/** Where the app is: addresses after the `#`, so that both hosts serve one page and every object has a link. */

export type Route =
  | { page: 'overview' }
  | { page: 'machines'; query: string }
  | { page: 'new-machine'; image: string | undefined; clusterId: string | undefined }
  | { page: 'machine'; clusterId: string; namespace: string; name: string; tab: MachineTab }
  | { page: 'images' }
  | { page: 'catalog' }
  | { page: 'storage' }
  | { page: 'nodes' }
  | { page: 'node'; clusterId: string; name: string }
  | { page: 'clusters' }
  | { page: 'add-cluster' }
  | { page: 'missing' };

export const machineTabs = ['overview', 'console', 'serial', 'ssh', 'disks', 'networks', 'snapshots', 'events', 'access', 'yaml'] as const;
export type MachineTab = (typeof machineTabs)[number];

/** @param hash the address's fragment, with its `#` */
export function parseRoute(hash: string): Route {
  const [, path = '', query = ''] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash) ?? [];
  const parts = path.split('/').filter((part) => part !== '').map(decodeURIComponent);
  const [page, ...rest] = parts;
  // The token is on its way out of the address; see session.ts.
  if (page === undefined || page === 'overview' || page.startsWith('token=')) return { page: 'overview' };
  if (page === 'nodes' && rest.length > 0) {
    const [clusterId, name, ...more] = rest;
    return clusterId === undefined || name === undefined || more.length > 0 ? { page: 'missing' } : { page: 'node', clusterId, name };
  }
  if (page === 'images' && rest.length > 0) return rest.join('/') === 'catalog' ? { page: 'catalog' } : { page: 'missing' };
  if (page === 'images' || page === 'nodes') return { page };
  if (page === 'storage') return rest.length === 0 ? { page } : { page: 'missing' };
  if (page === 'clusters') return rest.length === 0 ? { page } : rest.join('/') === 'add' ? { page: 'add-cluster' } : { page: 'missing' };
  if (page !== 'machines') return { page: 'missing' };
  if (rest.length === 0) return { page: 'machines', query };
  if (rest.length === 1 && rest[0] === 'new') {
    // eslint-disable-next-line svelte/prefer-svelte-reactivity -- read once, here
    const asked = new URLSearchParams(query);
    return { page: 'new-machine', image: asked.get('image') ?? undefined, clusterId: asked.get('cluster') ?? undefined };
  }
  const [clusterId, namespace, name, tab = 'console'] = rest;
  const known = machineTabs.find((item) => item === tab);
  if (clusterId === undefined || namespace === undefined || name === undefined || known === undefined) {
    return { page: 'missing' };
  }
  return { page: 'machine', clusterId, namespace, name, tab: known };
}

/** The address of a machine's page. */
export function machineHref(ref: { clusterId: string; namespace: string; name: string }, tab?: MachineTab): string {
  const parts = [ref.clusterId, ref.namespace, ref.name, ...(tab === undefined ? [] : [tab])];
  return `#/machines/${parts.map(encodeURIComponent).join('/')}`;
}

/** The address of a node's page. */
export const nodeHref = ({ clusterId, name }: { clusterId: string; name: string }): string => `#/nodes/${encodeURIComponent(clusterId)}/${encodeURIComponent(name)}`;

/** @param image the image to boot from, on its own cluster; absent: the person chooses, on the current cluster */
export function newMachineHref(image?: { name: string; clusterId: string }): string {
  return image === undefined
    ? '#/machines/new'
    : `#/machines/new?image=${encodeURIComponent(image.name)}&cluster=${encodeURIComponent(image.clusterId)}`;
}

class Router {
  route = $state.raw<Route>(parseRoute(location.hash));

  constructor() {
    window.addEventListener('hashchange', () => (this.route = parseRoute(location.hash)));
  }

  /** Goes there at once: who types is not to be overtaken by an event. */
  go(href: string): void {
    if (href !== location.hash) history.pushState(null, '', href);
    this.route = parseRoute(href);
  }

  /** Goes on at this address without an entry of its own in the history: for what changes with every key. */
  replace(href: string): void {
    history.replaceState(history.state, '', href);
    this.route = parseRoute(href);
  }
}

export const router = new Router();
