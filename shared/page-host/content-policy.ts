/** What the renderer's page may load and do: the headers that both hosts send with every file. */

/**
 * The headers of the page's files.
 * @param channel address that the page may open a WebSocket to, besides its own origin (`ws://127.0.0.1:8680`)
 */
export function pageHeaders(channel?: string): Record<string, string> {
  const policy = {
    'default-src': "'none'",
    'script-src': "'self'",
    // xterm and noVNC put style elements into the page; without scripts, styles can do little.
    'style-src': "'self' 'unsafe-inline'",
    'img-src': "'self' data: blob:",
    'font-src': "'self'",
    // Not every browser counts a WebSocket to the page's own host as 'self'.
    'connect-src': channel === undefined ? "'self'" : `'self' ${channel}`,
    'manifest-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  };
  return {
    'content-security-policy': Object.entries(policy)
      .map(([directive, sources]) => `${directive} ${sources}`)
      .join('; '),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), display-capture=()',
  };
}
