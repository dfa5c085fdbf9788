import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // One for each processor: by default one is left idle, of two.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          // Property tests take seconds where others share the processor.
          testTimeout: 30_000,
          hookTimeout: 30_000,
          include: [
            'packages/*/src/**/*.test.ts',
            'examples/*/src/**/*.test.ts',
            'benchmarks/*/src/**/*.test.ts',
            'tests/workspace/**/*.test.ts',
            'tests/promises/src/**/*.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
