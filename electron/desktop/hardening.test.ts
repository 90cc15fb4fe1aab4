import { describe, expect, it, vi } from 'vitest';
import { session, WebContents } from '../../test/desktop/electron-stand-in.ts';
import { isOwnAddress } from './addresses.ts';
import { confineContents, confinement, denyNetwork, denyPermissions } from './hardening.ts';
import { isOwnPage } from './sender.ts';

const foreign = [
  'app://hayloft.example.org/',
  'app://example.org/hayloft',
  'app://hayloft:80/',
  'app://hayloft@example.org/',
  'app://me@hayloft/',
  'https://hayloft/',
  'https://example.org/app://hayloft/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'data:text/html,x',
  'about:blank',
  '',
];

describe('the page’s own address', () => {
  it.each(['app://hayloft/', 'app://hayloft/machines/local#x'])('is %s', (address) => {
    expect(isOwnAddress(address)).toBe(true);
  });

  it.each(foreign)('is not %s', (address) => expect(isOwnAddress(address)).toBe(false));
});

it('confines the page’s process', () => {
  expect(confinement).toMatchObject({ sandbox: true, contextIsolation: true, nodeIntegration: false, webSecurity: true, webviewTag: false });
});

describe('a page', () => {
  const contents = new WebContents();
  confineContents(contents as never);

  it.each(['will-navigate', 'will-frame-navigate', 'will-redirect'])('cannot leave by %s', (event) => {
    for (const url of foreign) {
      const preventDefault = vi.fn();
      contents.emit(event, { url, preventDefault });
      expect(preventDefault, url).toHaveBeenCalledOnce();
    }
    const preventDefault = vi.fn();
    contents.emit(event, { url: 'app://hayloft/images', preventDefault });
    expect(preventDefault).not.toHaveBeenCalled();
  });

  it('can open no window, not even its own', () => {
    for (const url of [...foreign, 'app://hayloft/']) expect(contents.openHandler?.({ url })).toEqual({ action: 'deny' });
  });

  it('can embed nothing', () => {
    const preventDefault = vi.fn();
    contents.emit('will-attach-webview', { preventDefault }, {}, {});
    expect(preventDefault).toHaveBeenCalledOnce();
  });
});

describe('permissions', () => {
  const { defaultSession } = session;
  denyPermissions(defaultSession);

  function asked(permission: string, requestingUrl: string, isMainFrame = true): boolean | undefined {
    let answer: boolean | undefined;
    defaultSession.permissionRequest?.(undefined, permission, (granted) => (answer = granted), { requestingUrl, isMainFrame });
    return answer;
  }

  it.each(['clipboard-sanitized-write', 'fullscreen'])('give our own page %s', (permission) => {
    expect(asked(permission, 'app://hayloft/x')).toBe(true);
    expect(asked(permission, 'app://hayloft/x', false)).toBe(false);
    expect(asked(permission, 'https://example.org/')).toBe(false);
    expect(defaultSession.permissionCheck?.(null, permission, 'app://hayloft/', {})).toBe(true);
    expect(defaultSession.permissionCheck?.(null, permission, 'https://example.org/', {})).toBe(false);
  });

  it.each(['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal', 'usb', 'unknown'])('refuse %s', (permission) => {
    expect(asked(permission, 'app://hayloft/')).toBe(false);
    expect(defaultSession.permissionCheck?.(null, permission, 'app://hayloft/', {})).toBe(false);
  });

  it('refuse devices', () => expect(defaultSession.device?.()).toBe(false));
});

it('lets no request out to the network', () => {
  const refused = vi.fn();
  denyNetwork(session.defaultSession as never, refused);
  const callback = vi.fn();
  session.defaultSession.beforeRequest?.({ url: 'https://example.org/' }, callback);
  expect(callback).toHaveBeenCalledWith({ cancel: true });
  expect(refused).toHaveBeenCalledWith('https://example.org/');
  expect(session.defaultSession.filter?.urls).toEqual(expect.arrayContaining(['http://*/*', 'https://*/*', 'ws://*/*', 'wss://*/*']));
});

describe('a message’s sender', () => {
  const url = 'app://hayloft/';

  it('is our page only as its main frame', () => {
    expect(isOwnPage({ senderFrame: { url, parent: null } })).toBe(true);
    expect(isOwnPage({ senderFrame: { url, parent: { url } } })).toBe(false);
    expect(isOwnPage({ senderFrame: { url, parent: null, detached: true } })).toBe(false);
    expect(isOwnPage({ senderFrame: null })).toBe(false);
  });

  it.each(foreign)('is not our page at %s', (address) => {
    expect(isOwnPage({ senderFrame: { url: address, parent: null } })).toBe(false);
  });
});
