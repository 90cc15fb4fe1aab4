/** Answers of a real cluster that an API server alone cannot give, as they were recorded: what it is, and KubeVirt's aggregated API. */
import type { StandIn } from './recording-proxy.ts';

/** Codes that KubeVirt's handlers write, with no body (pkg/virt-api/rest/lifecycle.go): accepted, or done. */
const subresources: Readonly<Record<string, number>> = {
  ...{ start: 202, stop: 202, restart: 202, migrate: 202, addvolume: 202, removevolume: 202 },
  ...{ pause: 200, unpause: 200, softreboot: 200, reset: 200, freeze: 200, unfreeze: 200 },
};

const aggregated = /^\/apis\/subresources\.kubevirt\.io\/v1\/namespaces\/[^/]+\/virtualmachine(?:instance)?s\/[^/]+\/(\w+)$/;

/** @param gitVersion of the API server, as `GET /version` tells it */
export const kubernetesStandIn =
  (gitVersion: string): StandIn =>
  ({ method, path }) => {
    if (path === '/version') {
      const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? [];
      return { status: 200, body: { major, minor, gitVersion, platform: 'linux/amd64' } };
    }
    const [, action = ''] = aggregated.exec(path) ?? [];
    const status = method === 'PUT' ? subresources[action] : undefined;
    return status === undefined ? undefined : { status };
  };
