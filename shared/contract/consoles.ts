/** Consoles: a machine's screen and its serial line, as bytes. */
import { z } from 'zod';
import { objectRef } from './machines.ts';

export const consoleStreams = {
  /** Raw RFB (VNC) bytes. `takeOver: false` is refused while another viewer has the screen. */
  'consoles.vnc': { params: objectRef.extend({ takeOver: z.boolean() }), opened: z.object({}) },
  /** Raw bytes of the first serial line. */
  'consoles.serial': { params: objectRef, opened: z.object({}) },
};
