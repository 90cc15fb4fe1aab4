/** The fuzz campaign: whatever is sent, the engine answers or hangs up in time, says nothing like "my fault", and stays as light. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { startEngine, type RigEngine } from '../../rig/engine.ts';
import { randomFrom } from '../random.ts';
import { malformedRequest } from './requests.ts';

const limitMs = 10_000;
const lanes = 4;
/** What garbage collection leaves about, in KiB. */
const marginKb = 120 * 1024;

/** KubeVirt answers 500 where a guest has no agent. */
const byDesign = (status: number, line: string): boolean =>
  status < 500 || [503, 504, 507].includes(status) || (status === 500 && /\/(guestosinfo|vnc|restart)\b/.test(line));

/** @returns the status, or 0 when the engine closed the connection without one; throws when neither came in time */
function send(engine: RigEngine, request: Buffer): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(engine.endpoint);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port), ca: engine.ca }, () => socket.write(request));
    let text = '';
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    };
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer within ${limitMs} ms`));
    }, limitMs);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.includes('\r\n\r\n') && !/^HTTP\/1\.1 5/.test(text)) end();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNREFUSED') return;
      clearTimeout(timer);
      reject(new Error('the engine does not listen any more', { cause: error }));
    });
    socket.on('close', end);
  });
}

const residentKb = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** @returns how many requests had which status; throws with the seed, the number and the start of a request that broke the property */
export async function fuzzCampaign(options: { seed: number; count: number }): Promise<{ statuses: Map<number, number>; grownKb: number }> {
  const engine = await startEngine();
  const statuses = new Map<number, number>();
  const faults: string[] = [];
  try {
    const random = randomFrom(options.seed);
    const { pid } = engine.program;
    let before = 0;
    let sent = 0;
    const lane = async (): Promise<void> => {
      while (sent < options.count && faults.length < 20) {
        const number = sent++;
        // The first tenth warms the engine up.
        if (number === Math.floor(options.count / 10)) before = residentKb(pid);
        const request = malformedRequest(random, engine.token);
        const shown = request.toString('latin1').replaceAll(engine.token, 'TOKEN').slice(0, 900);
        try {
          const { status, text } = await send(engine, request);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (!byDesign(status, shown.split('\r\n')[0] ?? '')) faults.push(`request ${number}: ${status}\n${shown}\n${text.slice(-400)}`);
        } catch (error) {
          faults.push(`request ${number}: ${String(error)}\n${shown}`);
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    const version = await engine.api('GET', '/version');
    if (version.status !== 200) faults.push(`/version answers ${version.status} afterwards`);
    const grownKb = residentKb(pid) - before;
    if (grownKb > marginKb) faults.push(`the engine grew by ${grownKb} KiB`);
    if (faults.length > 0) throw new Error(`Seed ${options.seed}:\n${faults.join('\n\n')}`);
    return { statuses, grownKb };
  } finally {
    await engine.destroy();
  }
}
