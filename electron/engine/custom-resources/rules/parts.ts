/** What definitions with rules need, as one piece to load. */
export { runRules } from './check.ts';
export { compileRules } from './compile.ts';
