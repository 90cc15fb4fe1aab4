/**
 * Keeps the heap's young generation as small as it begins. It would grow with the bursts of a start and never shrink,
 * and the engine, like the app's backend, does nothing for most of its life: the memory is better left to guests.
 * Imported for its effect, before anything else.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--optimize-for-size');
