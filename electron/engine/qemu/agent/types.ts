/** What may be known of the agent inside a guest. */

/** QEMU's guest agent, as the guest runs it or not. What it says is the guest's word: it is checked before it is used. */
export interface GuestAgent {
  /** The agent has its end of the channel open. */
  readonly connected: boolean;
  /**
   * Asks the agent, one command after the other. Nothing is ever run in the guest this way (`guest-exec` is refused).
   * @param timeoutMs for the answer, counted from when the command's turn comes
   * @returns what the agent answers
   * @throws AgentError
   */
  command(name: string, args?: Record<string, unknown>, timeoutMs?: number): Promise<unknown>;
  /** Told when `connected` changes. Returns a function that stops it. */
  onChange(listener: () => void): () => void;
}

/** `NotConnected`, `Timeout`, `BadAnswer`, or the class of the agent's own refusal (`GenericError`, `CommandNotFound`). */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly class: string;

  constructor(errorClass: string, message: string) {
    super(message);
    this.class = errorClass;
  }
}
