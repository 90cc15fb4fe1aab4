/** The cluster that new machines and images go to: chosen in the top bar, remembered by this browser. */
const key = 'hayloft.cluster';
const local = 'local';

class CurrentCluster {
  id = $state(localStorage.getItem(key) ?? local);

  choose(id: string): void {
    this.id = id;
    localStorage.setItem(key, id);
  }

  /** Falls back to this computer when the chosen one is not there any more. */
  keepWithin(ids: readonly string[]): void {
    if (ids.length > 0 && !ids.includes(this.id)) this.choose(local);
  }
}

export const currentCluster = new CurrentCluster();
