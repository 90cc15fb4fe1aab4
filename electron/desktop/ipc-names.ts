/** Names of the few messages between the main process and the preload script. */

/** Page to main: wants a connection; with the request's number. */
export const CONNECT = 'hayloft:connect';
/** Main to page: the connection's port; with the request's number. */
export const PORT = 'hayloft:port';
/** Main to page: the backend's process ended unasked. */
export const BACKEND_LOST = 'hayloft:backend-lost';
