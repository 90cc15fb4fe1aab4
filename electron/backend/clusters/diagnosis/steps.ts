/** The steps of the way to a cluster, each a check in words: name, connection, certificate, answer. */
import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import type { Check } from '#shared/contract/app.ts';
import { asHayloftError } from '#shared/contract/errors.ts';
import type { Access } from '../access.ts';
import { openTunnel } from '../proxy/tunnel.ts';
import { lookAtTls, type TlsLook } from './tls-look.ts';

const stepMs = 6000;

export const hostOf = (access: Access): string => new URL(access.server).hostname.replace(/^\[|\]$/g, '');
const portOf = (access: Access): number => Number(new URL(access.server).port || 443);

export async function checkName(access: Access): Promise<Check> {
  const host = hostOf(access);
  const common = { id: 'name', title: 'Address', why: 'The kubeconfig says where the cluster is.' };
  if (isIP(host)) return { ...common, status: 'ok', found: `The kubeconfig has the address ${host}.` };
  try {
    const { address } = await lookup(host);
    return { ...common, status: 'ok', found: `${host} is ${address}.` };
  } catch {
    return {
      ...common,
      status: 'blocker',
      found: `This network does not know the name ${host}.`,
      fix: { text: 'Connect to the cluster’s network or VPN, or put its IP address in the place of the name in the kubeconfig.' },
    };
  }
}

export function checkPort(access: Access): Promise<Check> {
  const host = hostOf(access);
  const port = portOf(access);
  const common = { id: 'connection', title: 'Connection', why: 'The API server listens on a port of that address.' };
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: stepMs });
    const end = (check: Pick<Check, 'status' | 'found' | 'fix'>): void => {
      socket.destroy();
      resolve({ ...common, ...check });
    };
    socket.on('connect', () => end({ status: 'ok', found: `Port ${port} of ${host} is open.` }));
    socket.on('timeout', () =>
      end({
        status: 'blocker',
        found: `${host} does not answer.`,
        fix: { text: 'Check that the machine is on, that you are in its network, and that no firewall is in between.' },
      }),
    );
    socket.on('error', ({ code }: NodeJS.ErrnoException) =>
      end(
        code === 'ECONNREFUSED'
          ? {
              status: 'blocker',
              found: `${host} answers, but nothing listens on its port ${port}.`,
              fix: { text: 'Check that Kubernetes runs there, and that the port in the kubeconfig is the right one.' },
            }
          : {
              status: 'blocker',
              found: `There is no way to ${host} from here (${code ?? 'unknown reason'}).`,
              fix: { text: 'Check that you are in the cluster’s network or VPN.' },
            },
      ),
    );
  });
}

/** Where a proxy is in the way, names are looked up and ports are reached from there. */
export async function checkProxy(access: Access): Promise<Check> {
  const { host } = new URL(access.proxy ?? '');
  const common = { id: 'proxy', title: 'Proxy', why: 'The kubeconfig or the environment says that it leads to the cluster.' };
  try {
    (await openTunnel(access.proxy ?? '', { host: hostOf(access), port: portOf(access) })).destroy();
    return { ...common, status: 'ok', found: `The proxy ${host} leads to ${hostOf(access)}.` };
  } catch (error) {
    const { message, hint = 'Check the proxy.' } = asHayloftError(error);
    return { ...common, status: 'blocker', found: message, fix: { text: hint } };
  }
}

const unknownAuthority = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]);

const tlsCommon = { id: 'certificate', title: 'Certificate', why: 'It proves that this is the cluster, and not somebody in between.' };

/** @returns the check, and what was seen where a person may decide to trust it */
export async function checkTls(access: Access, signal: AbortSignal): Promise<{ check: Check; unknown: TlsLook | undefined }> {
  let look: TlsLook;
  try {
    look = await lookAtTls(access, stepMs, signal);
  } catch (error) {
    return { check: noTls(access, error as NodeJS.ErrnoException), unknown: undefined };
  }
  if (access.insecure === true) {
    const check: Check = {
      ...tlsCommon,
      status: 'warning',
      found: 'The kubeconfig says not to check it (insecure-skip-tls-verify).',
      fix: { text: 'Whoever is in the same network can take the cluster’s place. Get a kubeconfig with the cluster’s certificate authority.' },
    };
    return { check, unknown: undefined };
  }
  const { fault } = look;
  if (fault === undefined) {
    return { check: { ...tlsCommon, status: 'ok', found: `It is valid until ${day(look.leaf.validTo)}.` }, unknown: undefined };
  }
  if (unknownAuthority.has(fault)) {
    const found = access.ca === undefined ? 'It is signed by an authority that this computer does not know.' : 'It is not signed by the authority that the kubeconfig vouches for.';
    const text = 'If the cluster was set up anew, get its new kubeconfig. Trust the certificate only if its fingerprint is the one that the cluster’s own console shows.';
    return { check: { ...tlsCommon, status: 'blocker', found, fix: { text } }, unknown: look };
  }
  return { check: { ...tlsCommon, status: 'blocker', ...tlsFault(access, look, fault) }, unknown: undefined };
}

function tlsFault(access: Access, { leaf }: TlsLook, fault: string): Pick<Check, 'found' | 'fix'> {
  if (fault === 'CERT_HAS_EXPIRED' || fault === 'CERT_NOT_YET_VALID') {
    const when = fault === 'CERT_HAS_EXPIRED' ? `It was valid until ${day(leaf.validTo)}` : `It will be valid from ${day(leaf.validFrom)}`;
    return {
      found: `${when}, and this computer’s clock says ${day(new Date().toISOString())}.`,
      fix: { text: 'Set the clock if it is wrong. If it is right, renew the cluster’s certificates (k3s does so when it is restarted).' },
    };
  }
  if (fault === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      found: `It is made out to ${leaf.subjectAltName?.replaceAll(/DNS:|IP Address:/g, '') ?? 'nobody'}, not to ${access.serverName ?? hostOf(access)}.`,
      fix: { text: 'Use one of those names in the kubeconfig’s server, or name one as tls-server-name.' },
    };
  }
  return { found: `It is not accepted (${fault}).`, fix: { text: 'Get a new kubeconfig from the cluster.' } };
}

function noTls(access: Access, { code, message }: NodeJS.ErrnoException): Check {
  const port = portOf(access);
  const found =
    code === 'ETIMEDOUT'
      ? `Port ${port} is open, and whatever is there says nothing.`
      : code === 'EPROTO' || /wrong version number|packet length/i.test(message)
        ? `What listens on port ${port} does not speak TLS.`
        : `The connection broke while certificates were exchanged (${code ?? message}).`;
  return { ...tlsCommon, status: 'blocker', found, fix: { text: 'Check the port in the kubeconfig: API servers usually listen on 6443.' } };
}

/** A client certificate that has run out is refused with the same 401 as a wrong one: told here, by its date. */
export function checkCredentials(access: Access): Check | undefined {
  const common = { id: 'credentials', title: 'Credentials', why: 'They tell the cluster who you are.' };
  if (access.clientCertificate === undefined) return undefined;
  const { validTo, subject } = new X509Certificate(access.clientCertificate);
  const who = /CN=([^\n]+)/.exec(subject)?.[1] ?? subject;
  if (Date.parse(validTo) < Date.now()) {
    return {
      ...common,
      status: 'blocker',
      found: `The client certificate of ${who} was valid until ${day(validTo)}.`,
      fix: { text: 'Get a new kubeconfig from the cluster.' },
    };
  }
  return { ...common, status: 'ok', found: `The client certificate of ${who} is valid until ${day(validTo)}.` };
}

const day = (time: string): string => new Date(time).toISOString().slice(0, 10);
