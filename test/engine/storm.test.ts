import { describe, expect, it } from 'vitest';
import { runSoak, type SoakReport } from '../../dist/soak/index.js';
import { testPatch, testSettings } from '../kit/engine.js';

type SoakOptions = Parameters<typeof runSoak>[0];

/** Runs a storm and prints what is no proof but worth knowing. */
async function storm(title: string, options: Partial<SoakOptions>): Promise<SoakReport> {
  const settings = testSettings();
  const report = await runSoak({
    settings,
    patch: testPatch(settings),
    seconds: 6,
    kill: [],
    hang: [],
    rate: 3,
    seed: 1,
    ...options,
  });
  const { faults, underruns, takeoverMs, rejoinMs, rejoinHungMs } = report;
  console.log(title, JSON.stringify({ faults, underruns, takeoverMs, rejoinMs, rejoinHungMs }));
  return report;
}

function expectNothingLost(report: SoakReport): void {
  const { order, lostFrames, firstDifference, bitExact, ended } = report;
  expect({ order, lostFrames, firstDifference, bitExact, ended }).toEqual({
    order: 'ok',
    lostFrames: 0,
    firstDifference: null,
    bitExact: true,
    ended: 'stop-tick',
  });
  expect(report.ok).toBe(true);
}

describe('an engine in a storm', () => {
  it('loses nothing to 20 kills of replicas', async () => {
    const report = await storm('replicas', { kill: ['replica'], faultsMax: 20, seconds: 12 });
    expectNothingLost(report);
    expect(report.faults).toEqual({ 'kill-replica': 20 });
    expect(report.counters.restartsReplica).toBeGreaterThanOrEqual(20);
  });

  it('loses nothing to replicas that hang for good', async () => {
    const report = await storm('hung replicas', { hang: ['replica'], rate: 2, faultsMax: 6 });
    expectNothingLost(report);
    expect(report.faults).toEqual({ 'hang-replica': 6 });
    expect(report.counters.hungReplica).toBeGreaterThanOrEqual(6);
  });

  it('keeps the stream in order through kills and hangs of the driver', async () => {
    const report = await storm('driver', { kill: ['driver'], hang: ['driver'], faultsMax: 10 });
    expectNothingLost(report);
    const { 'kill-driver': kills = 0, 'hang-driver': hangs = 0 } = report.faults;
    expect(kills + hangs).toBe(10);
    expect(report.counters.takeovers).toBeGreaterThanOrEqual(10);
  });

  it('goes on with the file of a recorder that was killed, and with a new control', async () => {
    const report = await storm('others', { kill: ['control', 'recorder'], faultsMax: 8 });
    expectNothingLost(report);
    const { 'kill-control': control = 0, 'kill-recorder': recorder = 0 } = report.faults;
    expect(report.counters.restartsControl).toBeGreaterThanOrEqual(control);
    expect(report.counters.restartsService).toBeGreaterThanOrEqual(recorder);
  });

  it('replaces control and recorder that hang', async () => {
    const report = await storm('hung others', { hang: ['control', 'recorder'], rate: 1, seed: 4 });
    expectNothingLost(report);
    expect(report.controlBackMs.count + report.recorderBackMs.count).toBeGreaterThan(0);
  });

  it('takes all at once while the tick wraps', async () => {
    const report = await storm('wrap', {
      kill: ['replica', 'driver', 'control', 'recorder'],
      hang: ['replica', 'driver'],
      rate: 4,
      seconds: 8,
      firstTick: -700,
    });
    expectNothingLost(report);
  });

  it('is judged by what was played when it is interrupted', async () => {
    const abort = new AbortController();
    const report = await storm('interrupted', {
      kill: ['replica'],
      seconds: 600,
      signal: abort.signal,
      onProgress: ({ elapsedSec }) => {
        if (elapsedSec > 2) abort.abort();
      },
    });
    expect(report.ok).toBe(true);
    expect(report.seconds).toBeGreaterThan(1);
    expect(report.seconds).toBeLessThan(600);
  });
});
