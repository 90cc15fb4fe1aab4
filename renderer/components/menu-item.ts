/** An entry of a menu. */
export interface MenuItem {
  label: string;
  /** Why it cannot be used now. */
  reason?: string | undefined;
  danger?: boolean;
  run: () => void;
}
