import { defineConfig } from 'vitest/config';

const seconds = 1000;

export default defineConfig({
  test: {
    coverage: { provider: 'v8', include: ['provider/**/*.ts', 'sdk/nodejs/**/*.ts'], reporter: ['text-summary', 'html'] },
    projects: [
      // Time-outs are there to end what hangs, not to measure: other work on the machine makes a test many times slower.
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], maxWorkers: 2, testTimeout: 60 * seconds, hookTimeout: 60 * seconds },
      },
      {
        extends: true,
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 60 * seconds,
          hookTimeout: 60 * seconds,
        },
      },
      {
        extends: true,
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 1200 * seconds,
          hookTimeout: 300 * seconds,
        },
      },
      {
        extends: true,
        test: {
          name: 'engine',
          include: ['test/engine/**/*.test.ts'],
          globalSetup: ['test/engine/global-setup.ts'],
          // Every test starts the real engine, which starts Node several times; more of them at once only makes each slower.
          maxWorkers: 2,
          testTimeout: 180 * seconds,
          hookTimeout: 180 * seconds,
        },
      },
      {
        extends: true,
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          globalSetup: ['test/engine/global-setup.ts', 'test/lab/setup.ts'],
          // One lab, which every test finds empty.
          fileParallelism: false,
          testTimeout: 300 * seconds,
          hookTimeout: 300 * seconds,
        },
      },
    ],
  },
});
