/** Addresses of images: which are taken, what their files are called, and where a mirror has them. Pure. */
import { HayloftError } from '../contract/hayloft-error.ts';

const longestName = 255;

/** @throws HayloftError `bad-input`, naming the field, for what a cluster could not or should not be sent to */
export function imageUrl(text: string, field = 'url'): URL {
  const url = URL.parse(text.trim());
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    throw new HayloftError('bad-input', 'An address begins with http:// or https:// and leads to the image itself.', { field });
  }
  if (url.username !== '' || url.password !== '') {
    throw new HayloftError('bad-input', 'There is a name or password in this address, which everybody who sees the image could read.', {
      field,
      hint: 'Download the file, and drop it on the window.',
    });
  }
  url.hash = '';
  return url;
}

/** Whether a text that was pasted or dropped is the address of something, and nothing else. */
export const looksLikeUrl = (text: string): boolean => /^https?:\/\/[^\s]+$/i.test(text.trim()) && URL.canParse(text.trim());

/** What the file at an address is called. */
export function fileNameOf(url: URL): string {
  const last = url.pathname.split('/').findLast((part) => part !== '') ?? url.hostname;
  let name = last;
  try {
    name = decodeURIComponent(last);
  } catch {
    // Not encoded as it should be: as it stands there, then.
  }
  return name.replace(/[/\p{C}]/gu, '_').slice(0, longestName);
}

/**
 * @param mirror an address that ends where the servers' folders begin
 * @returns `MIRROR/cloud.debian.org/images/…` for `https://cloud.debian.org/images/…`
 */
export function mirrored(url: string, mirror: string | undefined): string {
  if (mirror === undefined) return url;
  const { host, pathname, search } = new URL(url);
  return `${mirror.replace(/\/+$/, '')}/${host}${pathname}${search}`;
}
