import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // Engines are processes: each test file has one of its own, and what it starts is its children.
    pool: 'forks',
    // Two at a time: the tests that run whole engines need a core to be left for them.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // A focused test would let the others pass unseen.
    allowOnly: false,
    passWithNoTests: false,
    // Engines that a test starts by command leave no past in the home of whoever runs it.
    env: { TENUTO_FLIGHT_MINUTES: '0' },
  },
});
