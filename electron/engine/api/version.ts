/** `/version`, as kubectl asks for it, and KubeVirt's own, as virtctl does. */

/** Clients compare with these; what comes after the plus says whose they are. */
const kubernetes = { major: '1', minor: '32', gitVersion: 'v1.32.0' };
const kubevirt = { gitVersion: 'v1.6.0' };
const subresources = 'subresources.kubevirt.io';

/** @returns undefined when the path asks for no version */
export function versionOf(segments: readonly string[], own: string): Record<string, string> | undefined {
  const [root, group, , word, ...rest] = segments;
  if (root === 'version' && segments.length === 1) return infoOf(kubernetes, own);
  if (root === 'apis' && group === subresources && word === 'version' && rest.length === 0) return infoOf(kubevirt, own);
  return undefined;
}

const infoOf = (version: { gitVersion: string }, own: string): Record<string, string> => ({
  ...version,
  gitVersion: `${version.gitVersion}+hayloft-${own}`,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: `${process.platform}/${process.arch}`,
});
