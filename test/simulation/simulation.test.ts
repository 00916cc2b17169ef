import { describe, expect, it } from 'vitest';
import { Receipts } from '../../src/control/bus/receipts.js';
import type { StreamDesk } from '../../src/control/stream-desk.js';
import type { DriverCore } from '../../src/engine/driver-core.js';
import type { ReplicaCore } from '../../src/engine/replica-core.js';
import { SeatState, snapshot } from '../../src/memory/layout.js';
import type { Segment } from '../../src/memory/segment.js';
import type { StreamSegment } from '../../src/memory/stream.js';
import { setSeatState } from '../../src/memory/stream-seats.js';
import type { CommandDesk } from './command-parties.js';
import type { SimulationOptions, SimulationReport } from './options.js';
import type { Sabotage } from './parties.js';
import { Simulation } from './simulation.js';
import type { ClientParty } from './stream-parties.js';
import { Violation } from './violation.js';

/** `TENUTO_SIMULATION_SEED=N` replays one run; without it every run is another one. */
const given = process.env.TENUTO_SIMULATION_SEED;
const firstSeed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
const runs = given === undefined ? 75 : 1;
const ticksPerRun = 10_000;

function sum(reports: SimulationReport[], of: (report: SimulationReport) => number): number {
  return reports.reduce((total, report) => total + of(report), 0);
}

function simulate(seed: number, more: Partial<SimulationOptions> = {}): SimulationReport {
  try {
    return new Simulation({ seed, ticks: ticksPerRun, faultEveryTicks: 80, ...more }).run();
  } catch (error) {
    if (error instanceof Violation) error.message += ` (TENUTO_SIMULATION_SEED=${seed})`;
    throw error;
  }
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
    if (given !== undefined) return;
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
    if (given !== undefined) return;
    expect(losses).toBeGreaterThan(300);
    expect(takeovers).toBeGreaterThan(losses);
  }, 120_000);
});

/** Reaches into a core, to break it. */
type Inside<T> = T & Record<string, unknown>;
const inside = <T>(core: T) => core as Inside<T>;

const bugs: Record<string, Sabotage> = {
  'a driver that counts filler as content': {
    driver: (core: DriverCore) => {
      const it = inside(core) as unknown as { conceal: () => number; head: number };
      const conceal = it.conceal;
      it.conceal = () => {
        it.head = (it.head + 1) | 0;
        return conceal.call(core);
      };
    },
  },
  'a driver that takes over without the cursors of its predecessor': {
    driver: (core: DriverCore) => {
      const { sealer } = inside(core) as unknown as { sealer: { resume: () => void } };
      sealer.resume = () => {};
    },
  },
  'a control process that does not look at what waits in the lanes': {
    commands: (desk: CommandDesk) => {
      const it = inside(desk) as unknown as { waiting: Set<number> };
      it.waiting.has = () => false;
    },
  },
  'a control process that does not read what was sealed before it began': {
    commands: (desk: CommandDesk) => {
      const it = inside(desk) as unknown as { receipts: Receipts; world: { segment: Segment } };
      it.receipts = new Receipts(it.world.segment);
    },
  },
  'a driver that goes on although it was fenced': {
    driver: (core: DriverCore) => {
      const it = inside(core) as unknown as { leave: () => number; phase: unknown; wait: unknown };
      it.leave = () => {
        it.phase = it.wait;
        return 0;
      };
      const own = inside(core) as unknown as { commit: () => number };
      const commit = own.commit;
      own.commit = () => {
        const before = Atomics.compareExchange;
        try {
          Object.assign(Atomics, {
            compareExchange: (words: Int32Array, at: number, old: number, now: number) => {
              Atomics.store(words, at, now);
              return old;
            },
          });
          return commit.call(core);
        } finally {
          Object.assign(Atomics, { compareExchange: before });
        }
      };
    },
  },
  'a replica that labels its snapshots with the next tick': {
    replica: (core: ReplicaCore) => {
      const it = inside(core) as unknown as {
        snapshotSecondHalf: () => number;
        segment: { words: Int32Array };
        to: number;
      };
      const half = it.snapshotSecondHalf;
      it.snapshotSecondHalf = () => {
        const step = half.call(core);
        it.segment.words[it.to + snapshot.tick]! += 1;
        return step;
      };
    },
  },
  'a replica that skips the first command of a record after it joined': {
    replica: (core: ReplicaCore) => {
      const it = inside(core) as unknown as {
        machine: { apply: (words: Int32Array, at: number) => void };
        from: number;
      };
      const apply = it.machine.apply.bind(it.machine);
      let skipped = false;
      it.machine.apply = (words, at) => {
        if (it.from >= 0 && !skipped) skipped = true;
        else apply(words, at);
      };
    },
  },
  'a replica that keeps to its program when it is to go back': {
    replica: (core: ReplicaCore) => {
      const it = inside(core) as unknown as { machine: { revert: () => void } };
      it.machine.revert = () => {};
    },
  },
  'a replica that takes a snapshot in the middle of a fade': {
    replica: (core: ReplicaCore) => {
      const it = inside(core) as unknown as { machine: object };
      Object.defineProperty(it.machine, 'isSettled', { value: true });
    },
  },
  'a replica that does not settle who passed a record': {
    replica: (core: ReplicaCore) => {
      const it = inside(core) as unknown as {
        pass: () => number;
        phase: unknown;
        publish: unknown;
      };
      it.pass = () => {
        it.phase = it.publish;
        return 0;
      };
    },
  },
};

/** Bugs around streams, which show none of them while they wait for a device. */
const streamBugs: Record<string, Sabotage> = {
  'a client that writes over what a joining replica asks for': {
    client: (client: ClientParty) => {
      Object.assign(client, { keptPart: 0 });
    },
  },
  'a desk that gives out what is taken': {
    desk: (desk: StreamDesk) => {
      const it = inside(desk) as unknown as { findFree: () => number };
      it.findFree = () => 0;
    },
  },
  'a desk that knows no owner of its predecessor': {
    desk: (desk: StreamDesk) => {
      const it = inside(desk) as unknown as { segment: Segment; streams: StreamSegment[] };
      it.streams.forEach((_, stream) => {
        setSeatState(it.segment, stream, SeatState.free);
      });
    },
  },
};

/** Bugs that only show when a client dies between two steps of the driver. */
const rareStreamBugs: Record<string, Sabotage> = {
  'a client that takes frames back without waiting for the driver': {
    client: (client: ClientParty) => {
      const it = inside(client) as unknown as { tick: () => number };
      const tick = it.tick;
      it.tick = () => tick.call(client) - 2;
    },
  },
  'a desk that takes frames back at once': {
    desk: (desk: StreamDesk) => {
      Object.assign(desk, { restTicks: 0 });
    },
  },
};
const steadyDevice = { lossChance: 0, switchChance: 0 };
const dyingClients = { clientsOnly: true, faultEveryTicks: 3, programChance: 0, poisonChance: 0 };

describe('the simulation finds', () => {
  it.each([
    ...Object.entries(bugs).map(([name, sabotage]) => [name, { sabotage }] as const),
    ...Object.entries(streamBugs).map(
      ([name, sabotage]) => [name, { sabotage, ...steadyDevice }] as const,
    ),
    ...Object.entries(rareStreamBugs).map(
      ([name, sabotage]) => [name, { sabotage, ...steadyDevice, ...dyingClients }] as const,
    ),
  ])(
    '%s',
    (_name, bug) => {
      const attempt = () => {
        const often = { snapshotTicks: 9, faultEveryTicks: 25, stubbornChance: 0.8, ...bug };
        for (let i = 0; i < 100; i++) simulate(firstSeed + i, often);
      };
      expect(attempt).toThrow();
    },
    300_000,
  );
});
