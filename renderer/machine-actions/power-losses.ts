/** What is lost by cutting a guest off. */
export const powerLosses = {
  reset: 'It is like pressing the reset button. Unsaved data in the guest is lost.',
  forceOff: 'It is like pulling the plug. Unsaved data in the guest is lost.',
} as const;
