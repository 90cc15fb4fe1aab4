/** Builds the renderer into dist/renderer, and serves it with preview data for looking at pages without a backend. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at('../renderer'),
  cacheDir: at('../node_modules/.vite'),
  plugins: [svelte({ configFile: false })],
  server: { host: '127.0.0.1', fs: { allow: [at('..')] } },
  build: {
    outDir: at('../dist/renderer'),
    emptyOutDir: true,
    // The oldest browsers that know `light-dark()` and all else that the styles use.
    target: ['chrome130', 'firefox130', 'safari18'],
    // The content policy lets fonts come from files only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    // How the time of a build is divided tells a person nothing who only wants to start the app.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
