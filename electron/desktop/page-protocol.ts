/** Serves the built renderer under the app's own scheme. */
import type { CustomScheme, Protocol } from 'electron';
import { pageHeaders } from '#shared/page-host/content-policy.ts';
import type { PageFiles } from '#shared/page-host/page-files.ts';
import { isOwnAddress, SCHEME } from './addresses.ts';

/** What the scheme may do; to be registered before the app is ready. */
export const pageScheme: CustomScheme = {
  scheme: SCHEME,
  privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
};

/** Answers every request of the page from the built files, with the same headers as the web host. */
export function servePage(protocol: Pick<Protocol, 'handle'>, files: PageFiles): void {
  protocol.handle(SCHEME, (request) => {
    const headers = pageHeaders();
    if (!isOwnAddress(request.url) || (request.method !== 'GET' && request.method !== 'HEAD')) {
      return new Response(null, { status: 403, headers });
    }
    const file = files.find(new URL(request.url).pathname);
    if (file === undefined) return new Response(null, { status: 404, headers });
    return new Response(request.method === 'HEAD' ? null : file.bytes, {
      headers: { ...headers, 'content-type': file.contentType, 'cache-control': file.cacheControl },
    });
  });
}
