/** What Kubernetes' scheduler has against each node, in plain words. */
import { plural } from '#shared/format/units.ts';

/** The scheduler's own reasons (its plugins' `ErrReason…` constants), and what they mean for a machine. */
const meanings: readonly [RegExp, string, string][] = [
  [/Insufficient memory/i, 'too little memory free', 'too little memory free'],
  [/Insufficient cpu/i, 'too few processors free', 'too few processors free'],
  [/Insufficient devices\.kubevirt\.io\/kvm/i, 'no hardware virtualization', 'no hardware virtualization'],
  [/Insufficient devices\.kubevirt\.io\/(tun|vhost-net)/i, 'no virtual networking', 'no virtual networking'],
  [/Insufficient ephemeral-storage/i, 'too little disk space free', 'too little disk space free'],
  [/Insufficient (\S+)/i, 'too little of $1 free', 'too little of $1 free'],
  [/were? unschedulable/i, 'is closed for new machines', 'are closed for new machines'],
  [/untolerated taint \{node\.kubernetes\.io\/(not-ready|unreachable)/i, 'does not answer', 'do not answer'],
  [/untolerated taint \{?([^:}\s]+)/i, 'is kept for others ($1)', 'are kept for others ($1)'],
  [/node affinity|node selector|affinity\/selector/i, 'does not match what the machine asks of a node', 'do not match what the machine asks of a node'],
  [/volume node affinity/i, 'cannot reach its disk', 'cannot reach its disk'],
  [/pod anti-affinity|topology spread/i, 'is ruled out by the rules for spreading', 'are ruled out by the rules for spreading'],
  [/Too many pods/i, 'is full', 'are full'],
];
const verbs = /^(is|does|cannot|do|are) ?/;

/**
 * `0/3 nodes are available: 1 Insufficient cpu, 2 Insufficient memory.` as
 * `1 node has too few processors free, 2 nodes have too little memory free`.
 * @returns undefined when the message is not the scheduler's
 */
export function plainScheduling(message: string): string | undefined {
  const [, total, details] = /(\d+)\/\d+ nodes are available:?\s*([^]*?)(?:\. ?preemption:|$)/.exec(message) ?? [];
  if (total === undefined || !details) return undefined;
  const parts = details.replace(/\.\s*$/, '').split(/,\s+(?=\d+ )/);
  const said = parts.map((part) => {
    const [, count, reason = part] = /^(\d+) (?:node\(s\) )?(.*)$/s.exec(part.trim()) ?? [];
    return count === undefined ? part.trim() : `${plural(Number(count), 'node')} ${predicate(Number(count), reason)}`;
  });
  return said.join(', ');
}

function predicate(count: number, reason: string): string {
  for (const [pattern, one, many] of ordered) {
    const match = pattern.exec(reason);
    if (!match) continue;
    const words = (count === 1 ? one : many).replace('$1', match[1] ?? '');
    return verbs.test(words) ? words : `${count === 1 ? 'has' : 'have'} ${words}`;
  }
  return `${count === 1 ? 'refuses' : 'refuse'} it: ${reason}`;
}

/** A disk's own node affinity is named with the words of the general one. */
const ordered = [...meanings].sort(([a], [b]) => Number(b.source.startsWith('volume')) - Number(a.source.startsWith('volume')));
