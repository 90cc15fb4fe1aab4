/** Objects that the conformance tests create. */
import type { ConfigMap } from '#shared/kube/core.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';

export const configMap = (name: string, data: Record<string, string>, labels?: Record<string, string>): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...(labels ? { labels } : {}) },
  data,
});

/** A machine with nothing to boot from: its firmware runs, and that is enough. */
export const machine = (name: string, runStrategy: 'Always' | 'Halted' = 'Halted'): VirtualMachine => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name },
  spec: {
    runStrategy,
    template: { spec: { domain: { memory: { guest: '64Mi' }, devices: {} }, terminationGracePeriodSeconds: 0 } },
  },
});
