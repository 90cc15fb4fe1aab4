/** A kubeconfig that was dropped on the window, on its way to the page that adds clusters. */

/** Larger ones are no kubeconfigs. */
const mostBytes = 1024 * 1024;

class DroppedKubeconfig {
  file = $state.raw<File | undefined>(undefined);

  /** @returns the file, once */
  take(): File | undefined {
    const { file } = this;
    this.file = undefined;
    return file;
  }
}

export const droppedKubeconfig = new DroppedKubeconfig();

/** By its name and size; what is in it is judged when it is read. */
export function looksLikeKubeconfig({ name, size }: File): boolean {
  return size <= mostBytes && (/\.(ya?ml|kubeconfig|conf)$/i.test(name) || /^(config|kubeconfig|admin\.conf)$/i.test(name));
}
