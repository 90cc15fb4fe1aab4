/** What TLS needs, PEM; and who makes it. */

export interface KeyPair {
  certificate: string;
  key: string;
}

export interface IssueRequest {
  /** Signs the new certificate; absent: a new authority is made, too. */
  authority?: KeyPair | undefined;
  /** What the server is reached by. */
  dns: readonly string[];
  ip: readonly string[];
}

export interface Issued {
  authority: KeyPair;
  server: KeyPair;
}

export type Issue = (request: IssueRequest) => Promise<Issued>;
