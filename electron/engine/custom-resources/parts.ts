/** What the first CustomResourceDefinition needs, as one piece to load. */
export { admitDefinition } from './admission.ts';
export { removeObjects } from './removal.ts';
export { kindsOf } from './served-kinds.ts';
