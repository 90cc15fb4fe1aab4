/** Ways of looking at the list of machines that somebody gave a name: kept by the app, over restarts. */
import { z } from 'zod';
import { topic } from './define.ts';

export const savedView = z.object({
  name: z.string().trim().min(1).max(60),
  /** The list's address after its `?`. */
  query: z.string().max(4000),
});
export type SavedView = z.infer<typeof savedView>;

export const savedViewCalls = {
  /** Keeps a view, in place of the one of the same name. */
  'views.save': { input: savedView, output: z.object({}) },
  'views.delete': { input: z.object({ name: z.string() }), output: z.object({}) },
};

export const savedViewTopics = {
  views: topic({ params: z.object({}), item: savedView, key: (item) => item.name }),
};
