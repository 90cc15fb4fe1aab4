/** The answers about a new machine's network cards, and what is wrong with them. */
import type { NetworkCard, NewPortForward } from '#shared/contract/new-machine.ts';
import type { Amount } from './answers.ts';

export interface ForwardAnswers {
  port: Amount;
  protocol: NewPortForward['protocol'];
  /** None: any that is free. */
  nodePort: Amount;
}

export interface CardAnswers {
  /** `nat`, or the `namespace/name` of a NetworkAttachmentDefinition. */
  on: string;
  binding: 'bridge' | 'macvtap';
  model: NetworkCard['model'];
  mac: string;
  forwards: ForwardAnswers[];
}

export const natCard = (): CardAnswers => ({ on: 'nat', binding: 'bridge', model: 'virtio', mac: '', forwards: [] });

const firstNodePort = 30_000;
const lastNodePort = 32_767;
const isPort = (port: Amount, from = 1, to = 65_535): boolean => typeof port === 'number' && Number.isInteger(port) && port >= from && port <= to;

export function macProblem(mac: string): string | undefined {
  if (mac === '') return undefined;
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) return 'A MAC address has six pairs of hexadecimal digits, such as 52:54:00:12:34:56.';
  // The lowest bit of the first byte is that of groups (IEEE 802).
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1 ? 'This is an address of a group of cards. The second digit is to be even.' : undefined;
}

/** @param all those of the card, with the one that is looked at */
export function forwardProblem({ port, protocol, nodePort }: ForwardAnswers, all: readonly ForwardAnswers[]): string | undefined {
  if (!isPort(port)) return 'A port is a number from 1 to 65535.';
  const noNodePort = nodePort === undefined || nodePort === null;
  if (!noNodePort && !isPort(nodePort, firstNodePort, lastNodePort)) return `The host’s port is from ${firstNodePort} to ${lastNodePort}, or empty for any.`;
  if (all.filter((other) => other.port === port && other.protocol === protocol).length > 1) return `Port ${port ?? ''} is there twice.`;
  if (!noNodePort && all.filter((other) => other.nodePort === nodePort && other.protocol === protocol).length > 1) return `The host’s port ${nodePort} is there twice.`;
  return undefined;
}

/** The first thing that is wrong with any card. */
export function networksProblem(cards: readonly CardAnswers[]): string | undefined {
  for (const card of cards) {
    const forwards = card.on === 'nat' ? card.forwards : [];
    const wrong = macProblem(card.mac) ?? forwards.map((forward) => forwardProblem(forward, forwards)).find((problem) => problem !== undefined);
    if (wrong !== undefined) return wrong;
  }
  const macs = cards.map(({ mac }) => mac.toLowerCase()).filter((mac) => mac !== '');
  if (new Set(macs).size < macs.length) return 'Two cards have the same MAC address.';
  return cards.filter(({ on }) => on === 'nat').length > 1 ? 'One card can be behind the host, not several.' : undefined;
}

/** @param cards without problems */
export function cardsOf(cards: readonly CardAnswers[]): NetworkCard[] {
  return cards.map(({ on, binding, model, mac, forwards }) => {
    const common = { model, ...(mac === '' ? {} : { mac }) };
    if (on !== 'nat') return { kind: 'attachment', ...common, network: on, binding };
    return {
      kind: 'nat',
      ...common,
      forwards: forwards.map(({ port, protocol, nodePort }) => ({ port: port ?? 0, protocol, ...(typeof nodePort === 'number' ? { nodePort } : {}) })),
    };
  });
}

/** As a card is asked for, back to answers. */
export function answersOfCard(card: NetworkCard): CardAnswers {
  const { model, mac = '' } = card;
  if (card.kind === 'attachment') return { on: card.network, binding: card.binding, model, mac, forwards: [] };
  return { on: 'nat', binding: 'bridge', model, mac, forwards: card.forwards.map((forward) => ({ ...forward, nodePort: forward.nodePort })) };
}

/** All cards in a line of words. */
export function networkWords(cards: readonly CardAnswers[]): string {
  if (cards.length === 0) return 'None';
  return cards
    .map(({ on, forwards }) => {
      if (on !== 'nat') return on.split('/').at(-1) ?? on;
      const ports = forwards.map(({ port }) => port ?? '?').join(', ');
      return ports === '' ? 'Behind the host' : `Behind the host, port${forwards.length > 1 ? 's' : ''} ${ports} forwarded`;
    })
    .join('; ');
}
