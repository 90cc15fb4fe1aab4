/** The table of what the engine honours and refuses, as Markdown. */
import { apiVersionOf, type AnyDefinition } from '../../../electron/engine/api/definition.ts';
import { written, type Field } from './schema-fields.ts';
import { nameOf, type Subresource } from './subresources.ts';
import type { Verdict } from './trial.ts';

export interface KindRows {
  definition: AnyDefinition;
  fields: readonly (readonly [Field, Verdict])[];
}

const intro = `# KubeVirt's API, field by field

Made by the conformance suite from what a running engine answered: each field was sent to it, and it was either taken
and kept whole, or the request was refused (422) with the field's path. Nothing is dropped in silence: a field that is
not listed here is unknown to the engine and refused as such. That what is taken is also done is what the other
conformance suites drive.
`;

export function renderTable(kinds: readonly KindRows[], subresources: readonly Subresource[]): string {
  const sorted = [...kinds].sort((a, b) => title(a.definition).localeCompare(title(b.definition)));
  return [intro, summary(sorted), ...sorted.map(kindSection), subresourceSection(subresources), ''].join('\n');
}

const title = (definition: AnyDefinition): string => `${definition.kind} (${apiVersionOf(definition)})`;

function summary(kinds: readonly KindRows[]): string {
  const rows = kinds.map(({ definition, fields }) => {
    const refused = fields.filter(([, { state }]) => state === 'refused').length;
    return `| ${title(definition)} | ${fields.length - refused} | ${refused} |`;
  });
  return ['| kind | works | refused by path |', '| --- | ---: | ---: |', ...rows, ''].join('\n');
}

function kindSection({ definition, fields }: KindRows): string {
  const rows = fields.map(([field, { state, reason }]) => `| \`${written(field)}\` | ${state} | ${reason} |`);
  return [`## ${title(definition)}`, '', '| field | state | why |', '| --- | --- | --- |', ...rows, ''].join('\n');
}

function subresourceSection(subresources: readonly Subresource[]): string {
  const rows = subresources.map((item) => `| \`${nameOf(item)}\` | ${item.refused === undefined ? 'works' : 'refused'} | ${item.refused ?? ''} |`);
  return ['## Subresources (subresources.kubevirt.io/v1)', '', '| subresource | state | why |', '| --- | --- | --- |', ...rows].join('\n');
}
