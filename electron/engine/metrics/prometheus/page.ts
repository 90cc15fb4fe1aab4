/** `/metrics`: everything that is known at this moment. Guests are asked anew, for whoever reads works out rates by himself. */
import type { SubresourceResponse } from '../../api/definition.ts';
import type { EngineContext } from '../../context.ts';
import type { Sampler } from '../sampler.ts';
import { writeEngine } from './engine-figures.ts';
import { readMachine, writeGuests } from './guest-figures.ts';
import { writeInstances } from './instance-facts.ts';
import { writeMachines } from './machine-facts.ts';
import { writeNode } from './node-figures.ts';
import { Page, textContentType } from './text.ts';

export async function metricsPage(context: EngineContext, sampler: Sampler): Promise<SubresourceResponse> {
  const page = new Page();
  const machines = await Promise.all(sampler.machines().map(readMachine));
  writeGuests(page, machines, context.nodeName);
  writeInstances(page, context.resources);
  writeMachines(page, context.resources);
  await writeNode(page, context, sampler.promisedBytes());
  writeEngine(page);
  return { status: 200, body: Buffer.from(page.text()), contentType: textContentType };
}
