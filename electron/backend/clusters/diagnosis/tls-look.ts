/** Looks at the certificate that a server shows, whether it is to be trusted or not. Nothing is sent to it. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import type { Access } from '../access.ts';
import { openTunnel } from '../proxy/tunnel.ts';

export interface TlsLook {
  /** Why the chain is not trusted, as Node's code (`SELF_SIGNED_CERT_IN_CHAIN`); undefined: it is. */
  fault: string | undefined;
  /** The server's own certificate. */
  leaf: X509Certificate;
  /** The last of the chain: an authority, or the server's own certificate when it stands alone. */
  authority: X509Certificate;
}

/** @throws the socket's error: it is no TLS, the connection broke, or nothing was answered in time */
export async function lookAtTls(access: Access, timeoutMs: number, signal?: AbortSignal): Promise<TlsLook> {
  const { hostname, port } = new URL(access.server);
  const host = hostname.replace(/^\[|\]$/g, '');
  const servername = access.serverName ?? (isIP(host) ? undefined : host);
  const to = { host, port: Number(port || 443) };
  const way = access.proxy === undefined ? to : { ...to, socket: await openTunnel(access.proxy, to) };
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...way,
      ...(servername === undefined ? {} : { servername }),
      ...(access.ca === undefined ? {} : { ca: access.ca, allowPartialTrustChain: true }),
      // Judged below: a chain that is not trusted is what we want to see.
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    });
    const give = (): void => void socket.destroy(new Error('It was given up.'));
    signal?.addEventListener('abort', give, { once: true });
    socket.setTimeout(timeoutMs, () => socket.destroy(Object.assign(new Error('No answer in time.'), { code: 'ETIMEDOUT' })));
    socket.on('error', reject);
    socket.on('close', () => reject(Object.assign(new Error('The connection was closed.'), { code: 'ECONNRESET' })));
    socket.on('secureConnect', () => {
      const shown = socket.getPeerCertificate(true);
      let last = shown;
      // The last one names itself as its issuer, or has none that was shown.
      for (let next = issuerOf(last); next; next = issuerOf(last)) last = next;
      resolve({
        fault: socket.authorized ? undefined : String(socket.authorizationError),
        leaf: new X509Certificate(shown.raw),
        authority: new X509Certificate(last.raw),
      });
      socket.destroy();
    });
  });
}

/** The next of the chain; Node leaves the field out where the server showed no more, whatever its types say. */
function issuerOf(certificate: DetailedPeerCertificate): DetailedPeerCertificate | undefined {
  const issuer = certificate.issuerCertificate as DetailedPeerCertificate | undefined;
  return issuer === certificate ? undefined : issuer;
}
