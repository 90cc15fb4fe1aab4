/** KubeVirt's conditions in plain words. */
import type { MachineCondition, StatusTone } from '#shared/contract/machines.ts';

interface Words {
  yes: string;
  no: string;
  /** How it looks when it is true and when it is not. */
  tones: [StatusTone, StatusTone];
}

const words: Partial<Record<string, Words>> = {
  Ready: { yes: 'Runs and can be used', no: 'Not ready', tones: ['good', 'off'] },
  Paused: { yes: 'Paused', no: 'Not paused', tones: ['warning', 'good'] },
  LiveMigratable: { yes: 'Can move to another node while it runs', no: 'Cannot move to another node while it runs', tones: ['good', 'off'] },
  StorageLiveMigratable: { yes: 'Its disks can move while it runs', no: 'Its disks cannot move while it runs', tones: ['good', 'off'] },
  SoftwareEmulation: { yes: 'Emulated in software, which is slow', no: 'Uses hardware virtualization', tones: ['warning', 'good'] },
  RestartRequired: { yes: 'Changes wait for the next restart', no: 'No changes wait', tones: ['warning', 'good'] },
  AgentConnected: { yes: 'The guest agent answers', no: 'The guest agent does not answer', tones: ['good', 'off'] },
  AgentVersionNotSupported: { yes: 'The guest agent is too old', no: 'The guest agent is new enough', tones: ['warning', 'good'] },
  AccessCredentialsSynchronized: { yes: 'SSH keys and passwords are in the guest', no: 'SSH keys or passwords are not in the guest', tones: ['good', 'warning'] },
  DataVolumesReady: { yes: 'All disks are there', no: 'Some disks are not there yet', tones: ['good', 'busy'] },
  Synchronized: { yes: 'The cluster has applied its definition', no: 'The cluster cannot apply its definition', tones: ['good', 'bad'] },
  Provisioning: { yes: 'It is being prepared', no: 'It is prepared', tones: ['busy', 'good'] },
  PodScheduled: { yes: 'It has a node', no: 'No node can run it', tones: ['good', 'bad'] },
  Failure: { yes: 'Something failed', no: 'Nothing failed', tones: ['bad', 'good'] },
  VolumesChange: { yes: 'Its disks are being changed', no: 'Its disks are not being changed', tones: ['busy', 'good'] },
  HotVCPUChange: { yes: 'Its processors are being changed', no: 'Its processors are not being changed', tones: ['busy', 'good'] },
  HotMemoryChange: { yes: 'Its memory is being changed', no: 'Its memory is not being changed', tones: ['busy', 'good'] },
  ManualRecoveryRequired: { yes: 'Somebody has to recover it by hand', no: 'Nothing has to be recovered', tones: ['bad', 'good'] },
  EvacuationRequested: { yes: 'It is asked to leave its node', no: 'It may stay on its node', tones: ['busy', 'good'] },
};

/** A condition as words and a tone; one that nobody foresaw keeps its own name. */
export function conditionWords({ type, status }: Pick<MachineCondition, 'type' | 'status'>): { text: string; tone: StatusTone } {
  const known = words[type];
  if (!known) return { text: `${type}: ${status === 'True' ? 'yes' : status === 'False' ? 'no' : 'unknown'}`, tone: 'off' };
  if (status === 'Unknown') return { text: `${known.yes}: unknown`, tone: 'warning' };
  return status === 'True' ? { text: known.yes, tone: known.tones[0] } : { text: known.no, tone: known.tones[1] };
}
