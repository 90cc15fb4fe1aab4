/** Which file system a folder is on. */

export interface Mount {
  device: string;
  type: string;
  point: string;
}

/**
 * @param mounts text of `/proc/self/mounts`; what is in the way of its columns is written as `\040`
 * @returns undefined where the system does not tell
 */
export function mountOf(mounts: string, folder: string): Mount | undefined {
  let best: Mount | undefined;
  for (const line of mounts.split('\n')) {
    const [device, point, type] = line.split(' ').map(unescaped);
    if (device === undefined || point === undefined || type === undefined) continue;
    const holds = folder === point || folder.startsWith(point.endsWith('/') ? point : `${point}/`);
    // Of two on the same folder, the later one covers the other.
    if (holds && point.length >= (best?.point.length ?? 0)) best = { device, type, point };
  }
  return best;
}

const unescaped = (text: string): string => text.replaceAll(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
