/**
 * `/openapi/v2` as a protocol buffer, the one form in which kubectl takes it: it needs it to read files of kind List,
 * whose items it looks up here by their kind. The schemas are left open, for the server checks every item itself.
 * Field numbers: OpenAPIv2.proto of google/gnostic-models.
 */
import type { AnyDefinition } from '../definition.ts';

/** As clients ask for it; Go's own parser takes no `@` in what is answered. */
const askedType = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
export const openApiProtobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

export const acceptsOpenApiProtobuf = (accept: string | undefined): boolean =>
  accept !== undefined && (accept.includes(askedType) || accept.includes(openApiProtobufType));

const document = { swagger: 1, info: 2, definitions: 9 };
const infoFields = { title: 1, version: 2 };
const definitionsFields = { additionalProperties: 1 };
const named = { name: 1, value: 2 };
const schemaFields = { vendorExtension: 31 };
const anyFields = { yaml: 2 };

/** @param nameOf gives a kind's schema its name */
export function openApiProtobuf(
  definitions: readonly AnyDefinition[],
  info: { title: string; version: string },
  nameOf: (definition: AnyDefinition) => string,
): Buffer {
  const schemas = definitions.map((definition) => {
    const { group, version, kind } = definition;
    // JSON is YAML, too.
    const kinds = field(anyFields.yaml, JSON.stringify([{ group, version, kind }]));
    const extension = [field(named.name, 'x-kubernetes-group-version-kind'), field(named.value, kinds)];
    const schema = field(schemaFields.vendorExtension, ...extension);
    return field(definitionsFields.additionalProperties, field(named.name, nameOf(definition)), field(named.value, schema));
  });
  return Buffer.concat([
    field(document.swagger, '2.0'),
    field(document.info, field(infoFields.title, info.title), field(infoFields.version, info.version)),
    field(document.definitions, ...schemas),
  ]);
}

/** A length-delimited field: a text, or a message made of fields. */
function field(number: number, ...content: (string | Buffer)[]): Buffer {
  const bytes = Buffer.concat(content.map((part) => Buffer.from(part as string)));
  const delimited = 2;
  return Buffer.concat([varint((number << 3) | delimited), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
