/** The engine itself, by the names that Prometheus' clients give to a process. */
import packageJson from '../../../../package.json' with { type: 'json' };
import type { Page } from './text.ts';

export function writeEngine(page: Page): void {
  const { user, system } = process.cpuUsage();
  page.family('process_cpu_seconds_total', 'counter', 'Processor time of the engine.').set((user + system) / 1e6);
  page.family('process_resident_memory_bytes', 'gauge', 'What the engine takes of the host’s memory.').set(process.memoryUsage.rss());
  page.family('process_start_time_seconds', 'gauge', 'When the engine began, in seconds since 1970.').set(Math.round(Date.now() / 1000 - process.uptime()));
  page.family('kubevirt_info', 'gauge', 'Version of what answers.').set(1, { kubeversion: `v${packageJson.version}+hayloft` });
}
