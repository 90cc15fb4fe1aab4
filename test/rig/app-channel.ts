/** The renderer's end of the channel without a browser: signs in to the web host and opens the same WebSocket. */
import { once } from 'node:events';
import WebSocket from 'ws';
import { createChannelClient } from '../../shared/channel/client.ts';
import type { ChannelClient } from '../../shared/channel/types.ts';
import { webSocketCarrier } from '../../shared/channel/web-socket-carrier.ts';

/** @param url the address with its token, as the ready line gives it */
export async function connectApp(url: string): Promise<{ client: ChannelClient; close: () => void }> {
  const { host } = new URL(url);
  const socket = new WebSocket(`ws://${host}/channel`, { headers: await signIn(url), perMessageDeflate: false });
  await once(socket, 'open');
  return { client: createChannelClient(webSocketCarrier(socket)), close: () => socket.terminate() };
}

/** Exchanges the token for the session's cookie. @returns the headers that open the channel */
export async function signIn(url: string): Promise<{ origin: string; cookie: string }> {
  const { origin, hash } = new URL(url);
  const session = await fetch(`${origin}/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin },
    body: JSON.stringify({ token: new URLSearchParams(hash.slice(1)).get('token') }),
  });
  if (!session.ok) throw new Error(`The web host refused the token: ${session.status}`);
  const cookie = session.headers.getSetCookie().map((line) => line.split(';')[0]);
  return { origin, cookie: cookie.join('; ') };
}
