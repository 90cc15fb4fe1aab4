/** The address of an image that a person pasted or dropped, and is asked about. */
class AskedAddress {
  open = $state(false);
  url = $state('');

  ask(url = ''): void {
    this.url = url.trim();
    this.open = true;
  }
}

export const askedAddress = new AskedAddress();
