import { describe, expect, it } from 'vitest';
import { expectOfflineEqual, launch, temporaryFile, testSettings } from '../kit/engine.js';

/** Long enough that the faults come while it plays, also where an engine is slow to start. */
const seconds = 6;

/** Plays and records through scripted faults of the device, to the end. */
async function playThrough(
  faults: object[],
  more: readonly string[] = [],
): Promise<Record<string, number>> {
  const settings = testSettings([`device.virtual.faults=${JSON.stringify(faults)}`, ...more]);
  const recordPath = await temporaryFile('record.wav');
  await using engine = await launch({ settings, recordPath, seconds });
  const { report } = await engine.ended;
  expect(report?.reason).toBe('stop-tick');
  await expectOfflineEqual(recordPath, settings, seconds * settings.engine.rateHz);
  return engine.status().counters;
}

describe('a device', () => {
  it('that is away for a while costs time, but no sample', async () => {
    const counters = await playThrough([{ kind: 'vanish', atMs: 5000, forMs: 1000 }]);
    expect(counters.deviceLost).toBe(1);
    expect(counters.recreations).toBe(1);
    expect(counters.deviceOpens).toBeGreaterThan(1);
  });

  it('that hangs is taken over by the standby driver', async () => {
    const counters = await playThrough([{ kind: 'hang', atMs: 5000, forMs: 60_000 }]);
    expect(counters.takeovers).toBeGreaterThan(0);
  });

  it('that is away at the start is waited for', async () => {
    const counters = await playThrough([{ kind: 'vanish', atMs: 0, forMs: 5000 }]);
    expect(counters.deviceFailures).toBeGreaterThan(0);
  });

  it('that takes less than it was given, runs fast and jitters, changes nothing', async () => {
    const short = { kind: 'shortWrite', atMs: 2000, forMs: 1000 };
    await playThrough(
      [short],
      ['device.virtual.rateErrorPpm=5000', 'device.virtual.jitterUs=1000'],
    );
  });
});
