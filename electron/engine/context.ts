/** What every module of the engine is given when it starts. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { Resources } from './store/resources.ts';

export interface Log {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** Writes Kubernetes Events; the same event again only raises its count. */
export interface EventRecorder {
  record(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

export interface EngineContext {
  /** The engine's data folder, 0700. */
  dataDir: string;
  /** Name of the one Node. */
  nodeName: string;
  /** `https://127.0.0.1:PORT`, known before modules start. */
  endpoint: string;
  /** The CA that signed the server's certificate, PEM, as it was at the start. */
  caCertificate: string;
  /**
   * What other computers reach it by, told at once and whenever it may have changed: the address, which is the endpoint
   * where they cannot, and the CA.
   */
  followReach(take: (reach: { url: string; ca: string }) => void): void;
  resources: Resources;
  events: EventRecorder;
  log: Log;
}
