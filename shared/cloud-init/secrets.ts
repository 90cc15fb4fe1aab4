/** What in user-data is nobody else's business. Pure. */
import { isMap, isScalar, isSeq, parseDocument, visit, type Pair } from 'yaml';

/** Keys of cloud-config whose values are passwords, their hashes, tokens or private keys. */
const secretKeys = new Set(['passwd', 'hashed_passwd', 'plain_text_passwd', 'password', 'chpasswd', 'ssh_keys', 'token', 'authkey', 'validation_key', 'activation-key']);
const secretKeyPattern = new RegExp(`(^|[\\s{,-])["']?(${[...secretKeys].join('|')})["']?\\s*:`, 'm');
const secretText = /PRIVATE KEY|\b(password|passwd|secret|token|api[_-]?key)\b["']?\s*[:=]/i;

/** Rather once too often: what seems secret goes into a Secret. */
export const holdsSecrets = (userData: string): boolean => secretKeyPattern.test(userData) || secretText.test(userData);

/** @returns the text without what is secret in it; undefined where that cannot be told apart from the rest */
export function withoutSecrets(userData: string): string | undefined {
  if (!holdsSecrets(userData)) return userData;
  const document = parseDocument(userData);
  if (document.errors.length > 0 || !isMap(document.contents)) return undefined;
  visit(document, {
    Pair: (_, pair: Pair) => (isScalar(pair.key) && secretKeys.has(String(pair.key.value)) ? visit.REMOVE : undefined),
  });
  const files = document.get('write_files');
  if (isSeq(files)) files.items = files.items.filter((item) => !secretText.test(String(item)));
  const text = document.toString({ lineWidth: 0 });
  return holdsSecrets(text) ? undefined : text;
}
