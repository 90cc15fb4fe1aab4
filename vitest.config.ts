import { svelte } from '@sveltejs/vite-plugin-svelte';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const electronStandIn = fileURLToPath(new URL('test/desktop/electron-stand-in.ts', import.meta.url));

/** A file that takes minutes and is begun last keeps everybody waiting. */
const longest = ['debian-guest', 'exports', 'definition', 'machine-actions', 'metrics', 'machine-page'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at === -1 ? longest.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        resolve: { alias: { electron: electronStandIn } },
        test: {
          name: 'unit',
          include: ['{shared,electron,build}/**/*.test.ts', 'test/rig/**/*.test.ts'],
          // Some files wait for timers and tools more than they compute.
          maxWorkers: availableParallelism() + 1,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [svelte()],
        resolve: { conditions: ['browser'] },
        test: { name: 'renderer', include: ['renderer/**/*.test.ts', 'test/preview/**/*.test.ts'] },
      },
      {
        // Each file has an engine of its own. A guest without hardware virtualization takes one processor, but most wait
        // more than they compute: on two processors three files at once are what every test must stand.
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          maxWorkers: Math.min(4, availableParallelism() + 1),
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/{e2e,desktop}/**/*.test.ts'],
          maxWorkers: Math.min(4, availableParallelism()),
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
