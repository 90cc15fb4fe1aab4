/** The time, for ages on the page; ticks as often as anyone can tell the difference. */
const tickMs = 5000;

class Clock {
  now = $state(Date.now());

  constructor() {
    setInterval(() => (this.now = Date.now()), tickMs);
  }
}

export const clock = new Clock();
