/** Names of the few messages between the main process and the preload script. */

/** Page to main: wants a connection; with the request's number. */
export const CONNECT = 'hayloft:connect';
/** Main to page: the connection's port; with the request's number. */
export const PORT = 'hayloft:port';
/** Page to main: how far what goes on is, for the dock or taskbar. */
export const PROGRESS = 'hayloft:progress';
/** Page to main: something to tell as the system tells news. */
export const NOTIFY = 'hayloft:notify';
/** Page to main: it takes files from now on. */
export const TAKE_FILES = 'hayloft:take-files';
/** Main to page: files that the system handed to the app, with their names and paths. */
export const FILES = 'hayloft:files';
/** Main to page: the backend's process ended unasked. */
export const BACKEND_LOST = 'hayloft:backend-lost';
