/** A machine's definition as the cluster has it, and writing it back. */
import { z } from 'zod';
import { objectRef } from './machines.ts';

/** The machine itself, or its running instance, which is only read. */
const which = z.enum(['VirtualMachine', 'VirtualMachineInstance']);

export const manifestCalls = {
  /** The whole object, as JSON text. */
  'manifests.get': { input: objectRef.extend({ which }), output: z.object({ json: z.string() }) },
  /**
   * Puts the object in the place of what is there; its `resourceVersion` says what that was, and `conflict` is answered when
   * somebody else was quicker. With `dryRun` the cluster checks it and changes nothing. Answers with what is stored.
   */
  'manifests.put': { input: objectRef.extend({ json: z.string().max(2_000_000), dryRun: z.boolean() }), output: z.object({ json: z.string() }) },
  /** What the cluster's OpenAPI v3 says of the kind: its schema and those that it refers to, as JSON text. */
  'manifests.schema': { input: z.object({ clusterId: z.string(), which }), output: z.object({ root: z.string(), json: z.string() }) },
};
