/** Where uploads go, who may send them, and how far they have come. */
import type { IncomingMessage } from 'node:http';
import type { Agent, RequestOptions } from 'node:https';
import { asHayloftError, HayloftError } from '#shared/contract/errors.ts';
import type { UploadTokenRequest } from '#shared/kube/cdi.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { errorFromNetwork, noAnswer } from '../clusters/api-errors.ts';
import { uploadDoors } from './cdi/doors.ts';
import type { UploadSource } from './upload-source.ts';

export interface SendTarget {
  namespace: string;
  /** Name of the claim that takes the bytes: the DataVolume's. */
  claim: string;
}

/** A way to a cluster's upload proxy. */
export interface UploadProxy {
  url: string;
  ca: string | undefined;
  /** `engine`: on this computer; `server`: an engine elsewhere, if it is one; `address`: CDI's own; `tunnel`: through the API server. */
  way: 'engine' | 'server' | 'address' | 'tunnel';
  /** Whose certificate it has, where that is not its address. */
  serverName?: string;
  agent?: Agent;
  /** Its certificate need not be checked: the way to it vouches for it. */
  unchecked?: true;
}

export interface UploadOffset {
  /** The first byte that is still to come. */
  offset: number;
  complete: boolean;
  /** It reads files of this computer by itself. */
  takesFiles: boolean;
}

export type SourceFile = NonNullable<UploadSource['file']>;

/** How a file is named to an engine on this computer. */
export const sourceHeaders = ({ path, modifiedMs }: Pick<SourceFile, 'path' | 'modifiedMs'>): Record<string, string> => ({
  'upload-source': encodeURIComponent(path),
  'upload-source-modified': String(modifiedMs),
});

/** A proxy that knows no offsets may not answer at all. */
const askWithinMs = 5000;

/** What a request to it needs beside its address. */
export const proxyOptions = ({ ca, serverName, agent, unchecked }: UploadProxy): RequestOptions => ({
  ...(ca === undefined ? {} : { ca }),
  ...(serverName === undefined ? {} : { servername: serverName }),
  ...(agent ? { agent } : {}),
  ...(unchecked ? { rejectUnauthorized: false } : {}),
});

/**
 * @param refused addresses of ways that led nowhere
 * @returns the first way that something answers on. Throws HayloftError why there is none.
 */
export async function uploadProxy(client: ApiClient, refused: ReadonlySet<string> = new Set()): Promise<UploadProxy> {
  let first: HayloftError | undefined;
  for await (const door of uploadDoors(client)) {
    if (refused.has(door.url)) continue;
    if (door.way === 'engine') return door;
    try {
      const { statusCode } = await head(client, door, '/v1beta1/upload-async', {});
      // What answers at an API server's address is the proxy only where it says so.
      if (door.way !== 'server' || statusCode === 200) return door;
    } catch (error) {
      // The first is the one that should work.
      first ??= asHayloftError(error);
    }
  }
  throw first ?? new HayloftError('unsupported', 'No way to this cluster’s upload proxy takes a file of this size.', { hint: 'Let the cluster fetch the file from this computer instead.' });
}

/** A token for one upload; CDI's last five minutes. */
export async function uploadToken(client: ApiClient, { namespace, claim }: SendTarget): Promise<string> {
  const path = `/apis/upload.cdi.kubevirt.io/v1beta1/namespaces/${namespace}/uploadtokenrequests`;
  const answer = await client.call<UploadTokenRequest>('POST', path, {
    body: {
      apiVersion: 'upload.cdi.kubevirt.io/v1beta1',
      kind: 'UploadTokenRequest',
      metadata: { name: claim, namespace },
      spec: { pvcName: claim },
    },
  });
  return answer.status?.token ?? '';
}

/** Whether it takes bytes without letting wait for what it does with them (virtctl asks the same way). */
export async function takesAsync(client: ApiClient, proxy: UploadProxy): Promise<boolean> {
  return (await head(client, proxy, '/v1beta1/upload-async', {})).statusCode === 200;
}

/**
 * Asks how far the upload has come (the IETF's resumable uploads: HEAD, Upload-Offset).
 * @param copyOf the file that is being copied: asks after that copy, and leaves it going
 * @returns undefined where the proxy does not know such uploads, or is not ready
 */
export async function askOffset(client: ApiClient, proxy: UploadProxy, token: string, copyOf?: SourceFile): Promise<UploadOffset | undefined> {
  const asking = head(client, proxy, '/v1beta1/upload', { authorization: `Bearer ${token}`, ...(copyOf ? sourceHeaders(copyOf) : {}) });
  const answer = await asking.catch((error: unknown) => {
    if (asHayloftError(error).code === 'timeout') return undefined;
    throw error;
  });
  const offset = answer?.headers['upload-offset'];
  if (answer?.statusCode !== 204 || typeof offset !== 'string' || !/^\d+$/.test(offset)) return undefined;
  return { offset: Number(offset), complete: answer.headers['upload-complete'] === '?1', takesFiles: answer.headers['accept-upload-source'] === 'file' };
}

/** @returns the answer's head, whatever it says. Throws HayloftError when there is none. */
function head(client: ApiClient, proxy: UploadProxy, path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = client.request(proxy.url + path, { method: 'HEAD', agent: false, timeout: askWithinMs, ...proxyOptions(proxy), headers });
    request.on('response', (response) => resolve(response.resume()));
    request.on('timeout', () => request.destroy(noAnswer(proxy.url)));
    request.on('error', (error) => reject(errorFromNetwork(error, proxy.url)));
    request.end();
  });
}
