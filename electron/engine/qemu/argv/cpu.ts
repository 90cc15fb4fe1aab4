/** The processor's model and what a machine's features add to it or take away, as `-cpu`. */
import { isEnabled } from '#shared/kube/firmware.ts';
import type { CpuFeature, DomainSpec, FeatureState, HypervFeatures } from '#shared/kube/kubevirt.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { featureName, type Offers } from '../offers.ts';
import type { Accelerator } from '../types.ts';
import { option, type OptionValue } from './options.ts';

/** How often a guest tries a lock before it tells the host; KubeVirt's own number. */
const defaultSpinlocks = 4096;

/**
 * What the host's kernel would do for a guest (kvm, hyperv) is left out where QEMU emulates: there is no kernel to ask.
 * @param offers what guests can have here; what is optional is left out where that is not known
 * @param best the model that guests were seen to run with here, with its own properties after commas
 */
export function cpuArgument(domain: DomainSpec, best: string, accelerator: Accelerator, offers: Offers | undefined): string {
  const { model = 'host-model' } = domain.cpu ?? {};
  const [base = '', ...properties] = (model === 'host-model' || model === 'host-passthrough' ? best : model).split(',');
  const { apic, kvm, hyperv, hypervPassthrough } = domain.features ?? {};
  const { timer } = domain.clock ?? {};
  const changes: Record<string, OptionValue> = {
    ...chosenFeatures(domain.cpu?.features ?? [], offers),
    apic: apic && !isEnabled(apic) ? false : undefined,
  };
  if (accelerator === 'kvm') {
    Object.assign(changes, {
      kvm: kvm?.hidden === true ? false : undefined,
      kvmclock: timer?.kvm?.present === false ? false : undefined,
      'hv-time': timer?.hyperv && timer.hyperv.present !== false ? true : undefined,
      'hv-passthrough': on(hypervPassthrough),
      ...(hyperv ? enlightenments(hyperv) : {}),
    });
  }
  return option([base, ...properties].join(','), changes);
}

/** By QEMU's names. What is required or forbidden has been judged before. */
function chosenFeatures(features: readonly CpuFeature[], offers: Offers | undefined): Record<string, OptionValue> {
  return Object.fromEntries(
    features.flatMap(({ name, policy = 'require' }): [string, boolean][] => {
      const known = offers ? featureName(name, offers) : name;
      if (policy === 'disable' || policy === 'forbid') return known === undefined ? [] : [[known, false]];
      if (policy !== 'optional') return [[known ?? name, true]];
      return known !== undefined && offers?.features[known] === true ? [[known, true]] : [];
    }),
  );
}

export interface CpuTopology {
  sockets: number;
  cores: number;
  threads: number;
}

/** What is asked for; where nothing is, a socket for each processor that the resources name, as KubeVirt has it. */
export function cpuTopology({ cpu, resources }: DomainSpec): CpuTopology {
  const { sockets, cores, threads } = cpu ?? {};
  const named = sockets ?? cores ?? threads;
  const asked = Math.ceil(parseQuantity(resources?.limits?.cpu ?? resources?.requests?.cpu) ?? 1);
  return { sockets: named === undefined ? Math.max(1, asked) : (sockets ?? 1), cores: cores ?? 1, threads: threads ?? 1 };
}

export function cpuCount(domain: DomainSpec): number {
  const { sockets, cores, threads } = cpuTopology(domain);
  return sockets * cores * threads;
}

const on = (feature: FeatureState | undefined): true | undefined => (isEnabled(feature) ? true : undefined);

/** QEMU's names: docs/system/i386/hyperv. */
function enlightenments(features: HypervFeatures): Record<string, OptionValue> {
  const { spinlocks, vendorid, synictimer, tlbflush } = features;
  return {
    'hv-relaxed': on(features.relaxed),
    'hv-vapic': on(features.vapic),
    'hv-spinlocks': isEnabled(spinlocks) ? (spinlocks?.spinlocks ?? defaultSpinlocks) : undefined,
    'hv-vpindex': on(features.vpindex),
    'hv-runtime': on(features.runtime),
    'hv-synic': on(features.synic),
    'hv-stimer': on(synictimer),
    'hv-stimer-direct': isEnabled(synictimer) ? on(synictimer?.direct) : undefined,
    'hv-reset': on(features.reset),
    'hv-vendor-id': isEnabled(vendorid) ? vendorid?.vendorid : undefined,
    'hv-frequencies': on(features.frequencies),
    'hv-reenlightenment': on(features.reenlightenment),
    'hv-tlbflush': on(tlbflush),
    'hv-tlbflush-direct': isEnabled(tlbflush) ? on(tlbflush?.direct) : undefined,
    'hv-tlbflush-ext': isEnabled(tlbflush) ? on(tlbflush?.extended) : undefined,
    'hv-ipi': on(features.ipi),
    'hv-evmcs': on(features.evmcs),
  };
}
