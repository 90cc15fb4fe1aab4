/** Files that were dropped on a machine, until it is said what they are for. */
export interface MachineAimed {
  clusterId: string;
  namespace: string;
  name: string;
}

class DroppedOnMachine {
  open = $state(false);
  files = $state.raw<readonly File[]>([]);
  machine = $state.raw<MachineAimed | undefined>(undefined);

  ask(files: readonly File[], machine: MachineAimed): void {
    this.files = files;
    this.machine = machine;
    this.open = true;
  }
}

export const droppedOnMachine = new DroppedOnMachine();
