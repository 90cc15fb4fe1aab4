/** What the app says of itself and of this computer. */
import { z } from 'zod';
import { topic } from './define.ts';
import { errorData } from './errors.ts';

/** One finding about this computer or a cluster; set-up's preflight and the self-check share this shape. */
export const check = z.object({
  id: z.string(),
  title: z.string(),
  status: z.enum(['ok', 'warning', 'blocker']),
  /** What was found. */
  found: z.string(),
  /** Why it matters. */
  why: z.string(),
  /** What fixes it; `command` can be copied into a terminal. */
  fix: z.object({ text: z.string(), command: z.string().optional() }).optional(),
});
export type Check = z.infer<typeof check>;

export const appInfo = z.object({
  version: z.string(),
  host: z.enum(['desktop', 'web']),
  platform: z.string(),
  arch: z.string(),
  dataDir: z.string(),
});
export type AppInfo = z.infer<typeof appInfo>;

/** The engine on this computer, as the app that started it sees it. */
export const localEngine = z.object({
  id: z.literal('local'),
  /** `silent`: its process is there, and answers nothing. */
  state: z.enum(['starting', 'running', 'silent', 'failed', 'stopped']),
  clusterId: z.string(),
  /** When a silent one was last heard from or, not known before, found silent; in milliseconds since the epoch. */
  since: z.number().optional(),
  endpoint: z.string().optional(),
  error: errorData.optional(),
});
export type LocalEngine = z.infer<typeof localEngine>;

export const appCalls = {
  'app.info': { input: z.object({}), output: appInfo },
  /** Starts the engine on this computer if it is not running, and looks again at what it lacks. */
  'engine.retry': { input: z.object({}), output: z.object({}) },
};

export const appTopics = {
  /** What this computer has and lacks for running machines. */
  selfCheck: topic({ params: z.object({}), item: check, key: (item) => item.id }),
  localEngine: topic({ params: z.object({}), item: localEngine, key: (item) => item.id }),
};
