/** Boards and processors that this computer's QEMU does not have are refused when they are asked for, not at the start. */
import type { DomainSpec } from '#shared/kube/kubevirt.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import { featureName, type Offers } from '../qemu/offers.ts';

const fault = (field: string, message: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message });
/** Names that stand for whatever is best here. */
const floating = new Set<string | undefined>([undefined, 'host-model', 'host-passthrough']);

/**
 * @param path of the domain within its object
 * @param offers undefined while QEMU has not been asked yet: then it judges itself when the machine starts
 */
export function checkProcessor({ machine, cpu }: DomainSpec, path: string, offers: Offers | undefined): StatusCause[] {
  const features = cpu?.features ?? [];
  const causes = features.flatMap(({ name }, index) =>
    features.findIndex((other) => other.name === name) === index ? [] : [fault(`${path}.cpu.features[${index}].name`, `"${name}" is there twice`)],
  );
  if (!offers) return causes;
  if (machine?.type !== undefined && !offers.machines.includes(machine.type)) {
    causes.push(fault(`${path}.machine.type`, `QEMU on this computer has no machine "${machine.type}": q35 is the newest of its kind`));
  }
  if (!floating.has(cpu?.model) && !offers.models.includes(cpu?.model ?? '')) {
    causes.push(fault(`${path}.cpu.model`, `QEMU on this computer has no processor "${cpu?.model ?? ''}": host-model gives the best there is`));
  }
  features.forEach(({ name, policy = 'require' }, index) => {
    const known = featureName(name, offers);
    const has = known !== undefined && offers.features[known] === true;
    const at = `${path}.cpu.features[${index}]`;
    if (known === undefined && (policy === 'force' || policy === 'require')) causes.push(fault(`${at}.name`, `QEMU knows no feature "${name}"`));
    else if (policy === 'require' && !has) causes.push(fault(at, `guests cannot have "${name}" on this computer: optional takes it where there is one`));
    else if (policy === 'forbid' && has) causes.push(fault(at, `this computer has "${name}", and it is forbidden: disable takes it from the guest`));
  });
  return causes;
}
