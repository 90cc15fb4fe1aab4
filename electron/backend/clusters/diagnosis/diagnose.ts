/** Tries the way to a cluster step by step, and says where it ends and what to do. */
import type { Check } from '#shared/contract/app.ts';
import type { Diagnosis } from '#shared/contract/clusters.ts';
import { asHayloftError, type HayloftError } from '#shared/contract/errors.ts';
import type { Access } from '../access.ts';
import { ApiClient } from '../api-client.ts';
import { AnswerError } from '../api-errors.ts';
import { askFlavour } from '../flavour.ts';
import { checkCredentials, checkName, checkPort, checkProxy, checkTls } from './steps.ts';

const answerMs = 10_000;
/** Tokens and certificates are judged by the clock; more than this between two computers is worth a word. */
const skewMs = 60_000;

export async function diagnose(access: Access, signal: AbortSignal): Promise<Diagnosis> {
  const checks: Check[] = [];
  const blocked = (check: Check | undefined): boolean => {
    if (check) checks.push(check);
    return check?.status === 'blocker';
  };
  // The engine on this computer is reached through a file; there is no network to look at.
  if (access.localSocket === undefined) {
    const way = access.proxy === undefined ? [checkName, checkPort] : [checkProxy];
    for (const step of way) if (blocked(await step(access))) return { checks, usable: false };
    const { check, unknown } = await checkTls(access, signal);
    if (blocked(check)) {
      if (!unknown) return { checks, usable: false };
      const { fingerprint256, subject, validTo } = unknown.authority;
      const authority = { fingerprint: fingerprint256, subject: subject.replaceAll('\n', ', '), validUntil: Date.parse(validTo) };
      return { checks, usable: false, authority };
    }
    if (blocked(checkCredentials(access))) return { checks, usable: false };
  }
  checks.push(...(await checkAnswer(access, signal)));
  return { checks, usable: checks.every(({ status }) => status !== 'blocker') };
}

async function checkAnswer(access: Access, signal: AbortSignal): Promise<Check[]> {
  const client = new ApiClient(access);
  try {
    const { flavour, version } = await askFlavour(client, { signal, timeoutMs: answerMs });
    return [
      { id: 'answer', title: 'Kubernetes', why: 'It must answer, and take the credentials.', status: 'ok', found: `It answers: version ${version ?? 'unknown'}.` },
      ...(await checkClock(client, signal)),
      flavourCheck(flavour),
    ];
  } catch (error) {
    return [refusal(asHayloftError(error))];
  } finally {
    client.close();
  }
}

function refusal(error: HayloftError): Check {
  const common = { id: 'answer', title: 'Kubernetes', why: 'It must answer, and take the credentials.', status: 'blocker' as const };
  if (error.code === 'unauthorized') {
    const found = error instanceof AnswerError ? 'It answers, and does not know these credentials (401).' : error.message;
    return { ...common, found, fix: { text: 'Get a new kubeconfig from the cluster. Tokens and certificates in them run out.' } };
  }
  if (error.code === 'forbidden') {
    const text = 'Ask the cluster’s administrator for a role that may read the API’s version and groups (system:discovery).';
    return { ...common, found: 'It answers, and this user may not even ask what it is (403).', fix: { text } };
  }
  const text = error.hint ?? 'Check the address in the kubeconfig.';
  if (error instanceof AnswerError && error.httpStatus === 404) {
    return { ...common, found: 'What answers there is not Kubernetes.', fix: { text: 'Check the address and the port in the kubeconfig.' } };
  }
  return { ...common, found: error.message, fix: { text } };
}

/** The answer's own date, as every HTTP server tells it. */
async function checkClock(client: ApiClient, signal: AbortSignal): Promise<Check[]> {
  const response = await client.open('GET', '/version', { signal, timeoutMs: answerMs });
  response.resume();
  const theirs = Date.parse(response.headers.date ?? '');
  const skew = theirs - Date.now();
  if (!(Math.abs(skew) > skewMs)) return [];
  const minutes = Math.max(1, Math.round(Math.abs(skew) / 60_000));
  return [
    {
      id: 'clock',
      title: 'Clock',
      why: 'Tokens and certificates are judged by the time.',
      status: 'warning',
      found: `The cluster’s clock is ${minutes} min ${skew > 0 ? 'ahead of' : 'behind'} this computer’s.`,
      fix: { text: 'Turn on time synchronization (NTP) on both.' },
    },
  ];
}

function flavourCheck(flavour: string): Check {
  const common = { id: 'machines', title: 'Virtual machines', why: 'KubeVirt is what runs machines on a cluster.' };
  const names: Record<string, string> = { engine: 'It is Hayloft’s own engine.', kubevirt: 'KubeVirt is installed.', harvester: 'It is Harvester.' };
  const found = names[flavour];
  if (found !== undefined) return { ...common, status: 'ok', found };
  return {
    ...common,
    status: 'warning',
    found: 'The cluster has no KubeVirt, so it has no virtual machines.',
    fix: { text: 'Install KubeVirt on it; until then only its nodes are shown.' },
  };
}
