/** Answers for a new machine that somebody gave a name, to make more of its like: kept by the app, without secrets. */
import { z } from 'zod';
import { mostUserDataBytes } from '../cloud-init/check.ts';
import { topic } from './define.ts';
import { newMachine } from './new-machine.ts';

const templateName = z.string().trim().min(1).max(60);
const line = z.string().max(1000);

/** The answers of the form for cloud-init. */
export const cloudInitAnswers = z.object({
  /** Empty: the machine's name. */
  hostname: line,
  /** Empty: the user that the image has. */
  user: line,
  /** As `/etc/shadow` takes it; absent: no password. */
  passwordHash: line.optional(),
  /** As they stand in `authorized_keys`. */
  sshKeys: z.array(z.string().max(20_000)).max(100),
  packages: z.array(line).max(500),
  /** Empty: the image's own. */
  timezone: line,
  guestAgent: z.boolean(),
});
export type CloudInitAnswers = z.infer<typeof cloudInitAnswers>;

export const machineTemplate = z.object({
  name: templateName,
  /** When it was saved, in milliseconds since the epoch. */
  saved: z.number(),
  machine: newMachine.omit({ make: true, clusterId: true, namespace: true, name: true, userData: true }),
  /** The form's answers without the password, or what was written by hand without what is secret in it. */
  cloudInit: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('form'), answers: cloudInitAnswers.omit({ passwordHash: true }) }),
      z.object({ kind: z.literal('text'), userData: z.string().max(mostUserDataBytes) }),
    ])
    .optional(),
  /** Something secret was left out, and has to be given again. */
  secretsLeftOut: z.boolean(),
});
export type MachineTemplate = z.infer<typeof machineTemplate>;

export const machineTemplateCalls = {
  /** Keeps a template, in place of the one of the same name. */
  'templates.save': { input: machineTemplate.omit({ saved: true }), output: z.object({}) },
  /** Fails where there is another one of the new name. */
  'templates.rename': { input: z.object({ name: z.string(), newName: templateName }), output: z.object({}) },
  'templates.delete': { input: z.object({ name: z.string() }), output: z.object({}) },
};

export const machineTemplateTopics = {
  templates: topic({ params: z.object({}), item: machineTemplate, key: (item) => item.name }),
};
