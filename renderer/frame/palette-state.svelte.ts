/** Whether the command palette is open; a button and a key open it. */
export const palette = $state({ open: false });
