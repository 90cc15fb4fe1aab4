/** Where uploads go, who may send them, and how far they have come. */
import { HayloftError } from '#shared/contract/errors.ts';
import type { CdiConfig, UploadTokenRequest } from '#shared/kube/cdi.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { errorFromNetwork } from '../clusters/api-errors.ts';
import { cdiConfigs, pathOf } from '../clusters/kinds.ts';
import type { UploadSource } from './upload-source.ts';

export interface SendTarget {
  namespace: string;
  /** Name of the claim that takes the bytes: the DataVolume's. */
  claim: string;
}

export interface UploadProxy {
  url: string;
  ca: string | undefined;
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
export const sourceHeaders = ({ path, modifiedMs }: SourceFile): Record<string, string> => ({
  'upload-source': encodeURIComponent(path),
  'upload-source-modified': String(modifiedMs),
});

/** A proxy that knows no offsets may not answer at all. */
const askWithinMs = 5000;

/** @throws HayloftError `unsupported` where the cluster has none */
export async function uploadProxy(client: ApiClient): Promise<UploadProxy> {
  const { localSocket, server, ca } = client.access;
  // The engine on this computer takes them itself, and through its socket much faster than by the address for others.
  if (localSocket !== undefined) return { url: server, ca };
  const config = await client.call<CdiConfig>('GET', pathOf(cdiConfigs, undefined, 'config'));
  const url = config.status?.uploadProxyURL;
  if (url === undefined || url === '') {
    throw new HayloftError('unsupported', 'This cluster has no address for uploads.', {
      hint: 'Its administrator can set uploadProxyURLOverride in the CDI resource.',
    });
  }
  const address = url.includes('://') ? url : `https://${url}`;
  return { url: address.replace(/\/+$/, ''), ca: config.status?.uploadProxyCA ?? ca };
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

/**
 * Asks how far the upload has come (the IETF's resumable uploads: HEAD, Upload-Offset).
 * @param copyOf the file that is being copied: asks after that copy, and leaves it going
 * @returns undefined where the proxy does not know such uploads, or is not ready
 */
export function askOffset(client: ApiClient, { url, ca }: UploadProxy, token: string, copyOf?: SourceFile): Promise<UploadOffset | undefined> {
  return new Promise((resolve, reject) => {
    const request = client.request(`${url}/v1beta1/upload`, {
      method: 'HEAD',
      agent: false,
      timeout: askWithinMs,
      ...(ca === undefined ? {} : { ca }),
      headers: { authorization: `Bearer ${token}`, ...(copyOf ? sourceHeaders(copyOf) : {}) },
    });
    request.on('response', (response) => {
      response.resume();
      const offset = response.headers['upload-offset'];
      const told = response.statusCode === 204 && typeof offset === 'string' && /^\d+$/.test(offset);
      resolve(told ? { offset: Number(offset), complete: response.headers['upload-complete'] === '?1', takesFiles: response.headers['accept-upload-source'] === 'file' } : undefined);
    });
    request.on('timeout', () => {
      resolve(undefined);
      request.destroy();
    });
    request.on('error', (error) => reject(errorFromNetwork(error, url)));
    request.end();
  });
}
