import { defineConfig } from 'vitest/config';

/** They hear what a real sound server plays, which on a busy machine leaves out what it is late for. */
const onSoundServer = [
  'src/device/alsa/alsa-device.test.ts',
  'src/device/contract.test.ts',
  'src/device/policy-server.test.ts',
  'test/engine/*-server.test.ts',
];

export default defineConfig({
  test: {
    // Engines are processes: each test file has one of its own, and what it starts is its children.
    pool: 'forks',
    teardownTimeout: 20_000,
    // A focused test would let the others pass unseen.
    allowOnly: false,
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: onSoundServer,
          // Two at a time: the tests that run whole engines need a core to be left for them.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'sound-server',
          include: onSoundServer,
          // Alone, and after all others.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Engines that a test starts by command leave no past in the home of whoever runs it.
    env: { TENUTO_FLIGHT_MINUTES: '0' },
  },
});
