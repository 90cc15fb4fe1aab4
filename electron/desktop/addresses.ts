/** The page's own address, and telling it from all others. */

/** A scheme of our own: `file:` pages could read the disk, and no server on a port is needed. */
export const SCHEME = 'app';
const HOST = 'hayloft';

export const PAGE_ADDRESS = `${SCHEME}://${HOST}/`;

/** Whether an address is the app's own page, judged by its parsed parts: prefixes of text can be forged. */
export function isOwnAddress(address: string): boolean {
  const url = URL.parse(address);
  return url?.protocol === `${SCHEME}:` && url.hostname === HOST && url.port === '' && url.username === '' && url.password === '';
}
