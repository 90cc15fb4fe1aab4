/**
 * A NetworkAttachmentDefinition's `spec.config`: CNI configuration as Multus and Harvester write it. What a network of
 * this computer can honour is read; everything else is refused by name. Pure.
 * Sources: the CNI specification; containernetworking's bridge plugin; KubeVirt's macvtap-cni.
 */

export interface BridgeNetwork {
  type: 'bridge';
  /** A Linux bridge that is there already. */
  bridge: string;
  /** 1 to 4094; undefined: frames go as they are. */
  vlan?: number;
  mtu?: number;
}

export interface MacvtapNetwork {
  type: 'macvtap';
  /** The network card below. */
  lower: string;
  mode: 'bridge' | 'vepa' | 'private' | 'passthru';
  mtu?: number;
}

export type HostNetwork = BridgeNetwork | MacvtapNetwork;

/** What is wrong with a configuration; `field` is a path below `spec.config`. */
export class ConfigFault extends Error {
  override readonly name = 'ConfigFault';
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

type Json = Record<string, unknown>;

/** Said of every plugin, and without meaning for a guest that is a port of the network. */
const common = new Set(['cniVersion', 'name', 'type', 'mtu', 'promiscMode', 'ipam', 'disableContainerInterface', 'macspoofchk', 'preserveDefaultVlan', 'isGateway', 'ipMasq', 'hairpinMode']);
const ownFields = { bridge: new Set(['bridge', 'vlan']), macvtap: new Set(['master', 'lowerDevice', 'mode', 'deviceID']) };
/** Features that would have to be built: only "off" can be honoured. */
const mustBeOff = ['macspoofchk', 'isGateway', 'ipMasq', 'hairpinMode'];
/** Linux' names of network devices are at most 15 characters. */
const deviceName = /^[^\s/:]{1,15}$/;
const modes = ['bridge', 'vepa', 'private', 'passthru'] as const;

/** @throws ConfigFault */
export function parseConfig(text: string): HostNetwork {
  const config = pluginOf(parse(text));
  const type = config['type'] === 'cnv-bridge' ? 'bridge' : config['type'];
  if (type !== 'bridge' && type !== 'macvtap') {
    throw new ConfigFault('type', `networks of type ${JSON.stringify(config['type'])} are not offered here: use bridge or macvtap`);
  }
  for (const key of Object.keys(config)) {
    if (!common.has(key) && !ownFields[type].has(key)) throw new ConfigFault(key, 'the engine cannot honour this field');
  }
  for (const key of mustBeOff) {
    if (config[key] !== undefined && config[key] !== false) throw new ConfigFault(key, 'only false can be honoured here');
  }
  if (Object.keys(config['ipam'] ?? {}).length > 0) {
    throw new ConfigFault('ipam', 'guests take their addresses from the network itself: leave ipam empty');
  }
  const mtu = whole(config, 'mtu', 68, 65_535);
  const size = mtu === undefined ? {} : { mtu };
  if (type === 'bridge') {
    const vlan = whole(config, 'vlan', 0, 4094);
    // 0 is how Harvester says "untagged".
    return { type, bridge: device(config, 'bridge'), ...(vlan === undefined || vlan === 0 ? {} : { vlan }), ...size };
  }
  const field = config['master'] === undefined && config['lowerDevice'] !== undefined ? 'lowerDevice' : 'master';
  const mode = modes.find((known) => known === (config['mode'] ?? 'bridge'));
  if (mode === undefined) throw new ConfigFault('mode', `it is one of ${modes.join(', ')}`);
  if (config['deviceID'] !== undefined) throw new ConfigFault('deviceID', 'devices are not handed out by a plugin here: name the network card as master');
  return { type, lower: device(config, field), mode, ...size };
}

function parse(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigFault('', `it is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ConfigFault('', 'it is no JSON object');
  return value as Json;
}

/** A configuration list with one plugin is the same as that plugin's configuration. */
function pluginOf(config: Json): Json {
  const { plugins, ...rest } = config;
  if (plugins === undefined) return config;
  const [only, ...others] = (Array.isArray(plugins) ? plugins : []) as (Json | undefined)[];
  if (typeof only !== 'object' || others.length > 0) throw new ConfigFault('plugins', 'exactly one plugin can be honoured here');
  return { ...rest, ...only };
}

function device(config: Json, key: string): string {
  const value = config[key];
  if (typeof value !== 'string' || !deviceName.test(value)) throw new ConfigFault(key, 'the name of a network device of this computer is needed');
  return value;
}

function whole(config: Json, key: string, least: number, most: number): number | undefined {
  const value = config[key];
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || Number(value) < least || Number(value) > most) throw new ConfigFault(key, `a whole number from ${least} to ${most} is needed`);
  return Number(value);
}
