import type { IncomingMessage } from 'node:http';

/** Whether it came by the socket that only programs of the engine's own user can open: it may read what they may. */
export const isLocal = (request: IncomingMessage): boolean => !('encrypted' in request.socket);
