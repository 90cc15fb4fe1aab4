/** What KubeVirt asks a guest's agent when it is asked itself: the system, the users, the file systems. */
import type { SubresourceRoute } from '../../api/definition.ts';
import { ApiError } from '../../api/errors.ts';
import { AgentError, type GuestAgent } from '../../qemu/agent/types.ts';
import { findInstance, subresourceGroup, type ActionParts } from '../actions/power.ts';
import { askFileSystems, askHostName, askSystem, askTimeZone, askUsers, askVersion } from './questions.ts';

type Question = (agent: GuestAgent) => Promise<object>;

const questions: Record<string, Question> = {
  guestosinfo: async (agent) => ({
    ...(await askVersion(agent)),
    hostname: await askHostName(agent),
    os: await askSystem(agent),
    timezone: await askTimeZone(agent),
    userList: await askUsers(agent),
    fsInfo: { disks: await askFileSystems(agent) },
  }),
  userlist: async (agent) => ({ metadata: {}, items: await askUsers(agent) }),
  filesystemlist: async (agent) => ({ metadata: {}, items: await askFileSystems(agent) }),
};

export function agentRoutes(parts: ActionParts): SubresourceRoute[] {
  return Object.entries(questions).map(([subresource, ask]) => ({
    ...subresourceGroup,
    resource: 'virtualmachineinstances',
    subresource,
    method: 'GET',
    handle: async ({ namespace, name }) => {
      const vmi = findInstance(parts, namespace, name);
      const agent = parts.guests.get(vmi.metadata.uid)?.agent;
      // KubeVirt says all of it with 500.
      if (!agent?.connected) throw new ApiError(500, 'InternalError', 'VMI does not have guest agent connected');
      return { status: 200, body: await ask(agent).catch(unanswered) };
    },
  }));
}

function unanswered(error: unknown): never {
  if (!(error instanceof AgentError)) throw error;
  throw new ApiError(500, 'InternalError', `The guest agent gave no answer: ${error.message}`);
}
