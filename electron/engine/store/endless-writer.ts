/** Writes until it is killed, and prints what it wrote: the victim of the test that kills an engine. */
import { writeSync } from 'node:fs';
import { openStore } from './store.ts';
import { ownedBy, quiet, widget, widgets } from './test-kinds.ts';

const { api } = openStore(process.argv[2] ?? '', quiet);
for (let index = 1; ; index += 1) {
  const lasting = api.create(widgets, widget(`lasting-${index}`));
  const parent = api.create(widgets, widget(`passing-${index}`));
  api.create(widgets, widget(`child-a-${index}`, ownedBy(parent)));
  api.create(widgets, widget(`child-b-${index}`, ownedBy(parent)));
  api.delete(widgets, 'default', `passing-${index}`);
  writeSync(1, `${index} ${lasting.metadata.resourceVersion ?? ''}\n`);
}
