/** A terminal in the page: xterm in the app's own type and colours, as large as its place. */
import '@xterm/xterm/css/xterm.css';
import type { Terminal } from '@xterm/xterm';

export interface TerminalListener {
  /** What is typed. */
  input(bytes: Uint8Array): void;
  resized?(size: { columns: number; rows: number }): void;
}

/** @returns the terminal, and what takes it away */
export async function openTerminal(place: HTMLElement, listener: TerminalListener): Promise<{ terminal: Terminal; dispose: () => void }> {
  const [{ Terminal: Xterm }, { FitAddon }] = await Promise.all([import('@xterm/xterm'), import('@xterm/addon-fit')]);
  const style = getComputedStyle(place);
  const encoder = new TextEncoder();
  const terminal = new Xterm({
    fontFamily: style.getPropertyValue('--font-mono'),
    fontSize: 13,
    scrollback: 5000,
    cursorBlink: true,
    theme: { background: style.getPropertyValue('--surface-console'), foreground: style.getPropertyValue('--on-console') },
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(place);
  fit.fit();
  terminal.onData((text) => listener.input(encoder.encode(text)));
  terminal.onBinary((text) => listener.input(Uint8Array.from(text, (character) => character.charCodeAt(0))));
  terminal.onResize(({ cols, rows }) => listener.resized?.({ columns: cols, rows }));
  // The way out for whoever has no mouse: all other keys are the guest's.
  terminal.attachCustomKeyEventHandler((event) => !(event.key === 'Escape' && event.shiftKey));
  const observer = new ResizeObserver(() => {
    // A place that is not shown has no size to fit.
    if (place.clientWidth > 0) fit.fit();
  });
  observer.observe(place);
  return {
    terminal,
    dispose: () => {
      observer.disconnect();
      terminal.dispose();
    },
  };
}
