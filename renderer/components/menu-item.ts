/** An entry of a menu. */
export interface MenuItem {
  label: string;
  /** Why it cannot be used now. */
  reason?: string | undefined;
  danger?: boolean;
  /** Entries of one group stand together; a line parts it from the next. */
  group?: string;
  run: () => void;
}

/** A menu in a menu. */
export interface Submenu {
  label: string;
  group?: string;
  items: readonly MenuItem[];
}

export type MenuEntry = MenuItem | Submenu;
