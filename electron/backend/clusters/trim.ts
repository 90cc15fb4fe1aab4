/** What is left out of the objects that are kept: what nobody looks at and everybody would pay for in memory. */
import type { KubeObject } from '#shared/kube/object.ts';

interface WithImages extends KubeObject {
  status?: { images?: unknown };
}

/** Takes it off the object itself, which nobody else has yet. */
export function trim<T extends KubeObject>(object: T): T {
  delete object.metadata.managedFields;
  // A Node lists the images of every container that ever ran on it.
  const { status } = object as WithImages;
  if (status?.images !== undefined) delete status.images;
  return object;
}
