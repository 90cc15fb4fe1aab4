/** Where a cluster is, and how one proves who one is. */

export interface Credentials {
  token?: string;
  /** PEM. */
  clientCertificate?: string;
  clientKey?: string;
}

export interface Access extends Credentials {
  /** Base address, without a slash at its end; may have a path (Rancher's proxies do). */
  server: string;
  /** PEM. Absent: the system's own authorities are trusted. */
  ca?: string;
  /** The name in the server's certificate, where it is not the one in the address. */
  serverName?: string;
  /** The kubeconfig says not to check the server's certificate. */
  insecure?: boolean;
  /** Address of the proxy that leads there: `http`, `https` or `socks5`. */
  proxy?: string;
  /** Path of a unix socket that leads to the same server, without encryption: only for the engine on this computer. */
  localSocket?: string;
  /** Where the user works, as the kubeconfig's context says: what is looked at where the whole cluster may not be. */
  namespace?: string;
  /** Absolute path of a file that holds the token, and whose token changes. */
  tokenFile?: string;
  /**
   * Credentials that a program hands out: asked before each request.
   * @param refused the server takes those from before no more
   */
  renew?: (refused: boolean) => Promise<Credentials>;
}
