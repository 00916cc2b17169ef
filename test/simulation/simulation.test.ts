import { describe, expect, it } from 'vitest';
import type { SimulationReport } from './options.js';
import { firstSeed, givenSeed, simulate } from './runs.js';
import { Simulation } from './simulation.js';
import { Violation } from './violation.js';

const runs = givenSeed === undefined ? 75 : 1;

function sum(reports: SimulationReport[], of: (report: SimulationReport) => number): number {
  return reports.reduce((total, report) => total + of(report), 0);
}

describe('the engine under a seeded scheduler', () => {
  it('keeps every invariant over a million ticks and ten thousand faults', () => {
    process.stdout.write(`simulation: first seed ${firstSeed}\n`);
    const reports: SimulationReport[] = [];
    for (let i = 0; i < runs; i++) reports.push(simulate(firstSeed + i));
    const faults = sum(reports, (one) => Object.values(one.faults).reduce((a, b) => a + b, 0));
    const ticks = sum(reports, (one) => one.playedTicks);
    process.stdout.write(
      `simulation: ${ticks} ticks, ${faults} faults, ${sum(reports, (one) => one.steps)} steps, ` +
        `${sum(reports, (one) => one.takeovers)} takeovers, ${sum(reports, (one) => one.joins)} ` +
        `joins, ${sum(reports, (one) => one.commands)} commands, ` +
        `${sum(reports, (one) => one.answered)} of them answered by name, ` +
        `${sum(reports, (one) => one.voidedTicks)} records voided, ` +
        `${sum(reports, (one) => one.programChanges)} changes of the program, ` +
        `${sum(reports, (one) => one.reverted)} withdrawn, ` +
        `${sum(reports, (one) => one.silenced)} silenced, ` +
        `${sum(reports, (one) => one.streamsOpened)} streams opened, ` +
        `${sum(reports, (one) => one.streamsOrphaned)} orphaned, ` +
        `${sum(reports, (one) => one.streamFrames)} frames of them played, ` +
        `${sum(reports, (one) => one.streamFramesTakenBack)} taken back\n`,
    );
    if (givenSeed !== undefined) return;
    expect(ticks).toBeGreaterThanOrEqual(1_000_000);
    expect(faults).toBeGreaterThanOrEqual(10_000);
    expect(sum(reports, (one) => one.voidedTicks)).toBeGreaterThan(0);
    expect(sum(reports, (one) => one.answered)).toBeGreaterThan(10_000);
    expect(sum(reports, (one) => one.programChanges)).toBeGreaterThan(1000);
    expect(sum(reports, (one) => one.reverted)).toBeGreaterThan(0);
    expect(sum(reports, (one) => one.silenced)).toBeGreaterThan(0);
    expect(sum(reports, (one) => one.streamsOrphaned)).toBeGreaterThan(0);
    expect(sum(reports, (one) => one.streamFramesTakenBack)).toBeGreaterThan(0);
  }, 600_000);
});

describe('devices that are lost, switched, busy, or hang while they are opened', () => {
  it('let every frame be heard once, in order, when the stream is held', () => {
    let losses = 0;
    let takeovers = 0;
    for (let i = 0; i < 12; i++) {
      const seed = firstSeed + i;
      const simulation = new Simulation({
        seed,
        ticks: 2500,
        faultEveryTicks: 40,
        poisonChance: 0,
        stubbornChance: 0,
        switchChance: 0.05,
        continues: false,
        devicesOnly: true,
      });
      const report = simulation.run();
      try {
        simulation.devices.checkHeard(simulation.checker.committed, 256);
      } catch (error) {
        if (error instanceof Violation) error.message += ` (TENUTO_SIMULATION_SEED=${seed})`;
        throw error;
      }
      losses += report.faults['lose-device'] ?? 0;
      takeovers += report.takeovers;
    }
    if (givenSeed !== undefined) return;
    expect(losses).toBeGreaterThan(300);
    expect(takeovers).toBeGreaterThan(losses);
  }, 120_000);
});
