import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Threads that tests start find their sources already stripped of types; bin/sluice.js says why that matters. */
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/tests') };

/** Offers a MongoDB to the tests that ask for one. */
const globalSetup = [join(import.meta.dirname, 'tests/support/mongodb-setup.ts')];

/**
 * Four suites: `unit` beside the source, `contract` (every adapter of a port), `e2e` (real processes from outside),
 * `haraka` (the bridge beside a real Haraka).
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{core,plugins,admin-api,processes,cli,benches,scripts,tests/support,tests/soak}/**/*.test.ts'],
          exclude: ['**/node_modules/**'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          env,
          globalSetup,
        },
      },
      {
        test: {
          name: 'contract',
          include: ['tests/contract/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          env,
          globalSetup,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          env,
          globalSetup,
        },
      },
      {
        test: {
          name: 'haraka',
          include: ['tests/haraka/**/*.test.ts'],
          exclude: ['**/node_modules/**'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          env,
          globalSetup: [join(import.meta.dirname, 'tests/haraka/harness/site-setup.ts')],
        },
      },
    ],
    pool: 'forks',
    maxWorkers: 2,
  },
});
