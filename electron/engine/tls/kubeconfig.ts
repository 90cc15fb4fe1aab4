/** The kubeconfig by which every client, the app included, reaches the engine. */
import { readFileSync } from 'node:fs';
import { writePrivateFile } from '../private-file.ts';

const name = 'hayloft';

export interface Access {
  endpoint: string;
  /** PEM. */
  ca: string;
  token: string;
}

/** Writes the file unless it says all that already. */
export function writeKubeconfig(path: string, access: Access): void {
  const text = kubeconfigText(access);
  if (readIfThere(path) !== text) writePrivateFile(path, text);
}

// JSON strings are YAML strings, and none of the values needs more than that.
export const kubeconfigText = ({ endpoint, ca, token }: Access): string => `apiVersion: v1
kind: Config
clusters:
- name: ${name}
  cluster:
    server: ${JSON.stringify(endpoint)}
    certificate-authority-data: ${Buffer.from(ca).toString('base64')}
users:
- name: ${name}
  user:
    token: ${JSON.stringify(token)}
contexts:
- name: ${name}
  context:
    cluster: ${name}
    user: ${name}
    namespace: default
current-context: ${name}
`;

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
