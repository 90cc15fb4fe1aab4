/** Which label is set on the machines that are selected, or taken off them. */
import { labelKeyProblem, labelValueProblem } from '#shared/kube/label-syntax.ts';

export interface LabelAnswers {
  key: string;
  value: string;
  /** Takes it off instead. */
  remove: boolean;
}

/** What is wrong with the answers, or undefined. */
export function labelsProblem({ key, value, remove }: LabelAnswers): string | undefined {
  return labelKeyProblem(key.trim()) ?? (remove ? undefined : labelValueProblem(value.trim()));
}
