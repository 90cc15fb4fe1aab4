/** Formats by name in rules: `format.dns1123Label().validate(self)`. Source: Kubernetes' CEL library for formats. */
import { Optional, type Environment } from '@marcbachmann/cel-js';

/** What `format` is in `format.dns1123Label()`. */
class Formats {
  readonly is = 'format';
}

class NamedFormat {
  /** @returns what is wrong; nothing when it fits */
  readonly faults: (text: string) => string[];
  constructor(faults: (text: string) => string[]) {
    this.faults = faults;
  }
}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const olderLabel = '[a-z]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const word = '[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?';

function shaped(pattern: string, longest: number, words: string): NamedFormat {
  const whole = new RegExp(`^(?:${pattern})$`);
  return new NamedFormat((text) => [...(text.length > longest ? [`must be no more than ${longest} characters`] : []), ...(whole.test(text) ? [] : [words])]);
}
/** A beginning that generated names go on from: it may end in a dash. */
const prefix = (of: NamedFormat): NamedFormat => new NamedFormat((text) => of.faults(text.endsWith('-') && text.length > 1 ? text.slice(0, -1) : text));
const told = (is: (text: string) => boolean, words: string): NamedFormat => new NamedFormat((text) => (is(text) ? [] : [words]));

const dns1123Label = shaped(label, 63, "must be a lower-case RFC 1123 label of letters, digits and '-'");
const dns1123Subdomain = shaped(subdomain, 253, "must be a lower-case RFC 1123 subdomain of letters, digits, '-' and '.'");
const dns1035Label = shaped(olderLabel, 63, "must be a RFC 1035 label: a letter, then letters, digits and '-'");
const labelValue = shaped(`(${word})?`, 63, "must be empty, or letters, digits, '-', '_' and '.' with a letter or digit at both ends");
const nameOfKey = shaped(word, 63, "must be letters, digits, '-', '_' and '.' with a letter or digit at both ends");

function qualified(text: string): string[] {
  const slash = text.indexOf('/');
  return [...(slash < 0 ? [] : dns1123Subdomain.faults(text.slice(0, slash))), ...nameOfKey.faults(text.slice(slash + 1))];
}

const formats: Readonly<Record<string, NamedFormat>> = {
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  dns1123LabelPrefix: prefix(dns1123Label),
  dns1123SubdomainPrefix: prefix(dns1123Subdomain),
  dns1035LabelPrefix: prefix(dns1035Label),
  labelValue,
  qualifiedName: new NamedFormat(qualified),
  uri: told((text) => text.startsWith('/') || URL.canParse(text), 'invalid URI'),
  uuid: told((text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text), 'does not match the UUID format'),
  byte: told((text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text), 'invalid base64'),
  date: told((text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)), 'invalid date'),
  datetime: told((text) => /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)), 'invalid datetime'),
};

export function addNamedFormats(env: Environment): void {
  env.registerType('Formats', { ctor: Formats, fields: {} });
  env.registerType('kubernetes.NamedFormat', { ctor: NamedFormat, fields: {} });
  env.registerConstant('format', 'Formats', new Formats());
  for (const [name, format] of Object.entries(formats)) env.registerFunction(`Formats.${name}(): kubernetes.NamedFormat`, () => format);
  env.registerFunction('Formats.named(string): optional<kubernetes.NamedFormat>', (_: Formats, name: string) => Optional.of(Object.hasOwn(formats, name) ? formats[name] : undefined));
  env.registerFunction('kubernetes.NamedFormat.validate(string): optional<list<string>>', ({ faults }: NamedFormat, text: string) => {
    const found = faults(text);
    return found.length === 0 ? Optional.none() : Optional.of(found);
  });
}
