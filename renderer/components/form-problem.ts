/** What was said against a field of a form, by the field's name. */
export type ProblemOf = (field: string) => string | undefined;
