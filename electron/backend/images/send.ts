/** Sends an image's bytes to CDI's upload proxy. Source: CDI's doc/upload.md. */
import type { ClientRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { HayloftError } from '#shared/contract/errors.ts';
import type { CdiConfig, UploadTokenRequest } from '#shared/kube/cdi.ts';
import { abortReason, type ApiClient } from '../clusters/api-client.ts';
import { errorFromAnswer, errorFromNetwork } from '../clusters/api-errors.ts';
import { cdiConfigs, pathOf } from '../clusters/kinds.ts';
import type { UploadSource } from './upload-source.ts';

export interface SendTarget {
  namespace: string;
  /** Name of the claim that takes the bytes: the DataVolume's. */
  claim: string;
}

/**
 * Resolves when the proxy has stored and checked everything.
 * @param progress called with the number of bytes handed to the network so far
 */
export async function sendImage(
  client: ApiClient,
  target: SendTarget,
  source: UploadSource,
  options: { signal: AbortSignal; progress: (sentBytes: number) => void },
): Promise<void> {
  const { url, ca } = await uploadProxy(client);
  const token = await uploadToken(client, target);
  const request = client.request(`${url}/v1beta1/upload`, {
    method: 'POST',
    ...(ca === undefined ? {} : { ca }),
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/octet-stream',
      'content-length': source.sizeBytes,
    },
    signal: options.signal,
  });
  const sending = new AbortController();
  let responded = false;
  const answered = new Promise<void>((resolve, reject) => {
    request.on('response', (response) => {
      responded = true;
      // The answer may come while bytes are still on the way: a refusal ends the sending.
      sending.abort();
      const status = response.statusCode ?? 0;
      text(response).then(
        (body) => (status >= 200 && status < 300 ? resolve() : reject(errorFromAnswer(status, body))),
        (error: unknown) => reject(errorFromNetwork(error, url)),
      );
    });
    request.on('error', (error) => {
      sending.abort();
      reject(options.signal.aborted ? abortReason(options.signal) : errorFromNetwork(error, url));
    });
    // Whoever closes without an answer and without an error has gone, too; an answer may still be being read.
    request.on('close', () => {
      if (!responded) reject(errorFromNetwork(Object.assign(new Error('closed'), { code: 'ECONNRESET' }), url));
    });
  });
  answered.catch(() => undefined);
  try {
    await write(request, source, options.progress, sending.signal);
    if (!sending.signal.aborted) request.end();
    await answered;
  } finally {
    request.destroy();
  }
}

/** Hands all bytes to the network, as fast as it takes them; stops early when `over` aborts. */
async function write(
  request: ClientRequest,
  source: UploadSource,
  progress: (sentBytes: number) => void,
  over: AbortSignal,
): Promise<void> {
  const ended = new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
  let sent = 0;
  let taken: Promise<unknown> = Promise.resolve();
  for await (const chunk of source.chunks()) {
    if (over.aborted) return;
    sent += chunk.byteLength;
    if (sent > source.sizeBytes) break;
    // One chunk is on its way while the next is read.
    const before = taken;
    taken = new Promise((resolve) => request.write(chunk, resolve));
    await Promise.race([before, ended]);
    progress(sent);
  }
  if (sent !== source.sizeBytes && !over.aborted) {
    throw new HayloftError('truncated', 'The file changed while it was being uploaded.', {
      hint: 'Wait until nothing writes to it any more, then upload it again.',
      retryable: true,
    });
  }
}

async function uploadProxy(client: ApiClient): Promise<{ url: string; ca: string | undefined }> {
  const config = await client.call<CdiConfig>('GET', pathOf(cdiConfigs, undefined, 'config'));
  const url = config.status?.uploadProxyURL;
  if (url === undefined || url === '') {
    throw new HayloftError('unsupported', 'This cluster has no address for uploads.', {
      hint: 'Its administrator can set uploadProxyURLOverride in the CDI resource.',
    });
  }
  const address = url.includes('://') ? url : `https://${url}`;
  return { url: address.replace(/\/+$/, ''), ca: config.status?.uploadProxyCA ?? client.access.ca };
}

async function uploadToken(client: ApiClient, { namespace, claim }: SendTarget): Promise<string> {
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
