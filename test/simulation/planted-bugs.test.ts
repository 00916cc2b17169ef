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
import type { Sabotage } from './parties.js';
import { firstSeed, simulate } from './runs.js';
import type { ClientParty } from './stream-parties.js';

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
  'a replica that only silences its program when it is to go back': {
    replica: (core: ReplicaCore) => {
      const it = inside(core) as unknown as {
        machine: { revert: () => void; silenceOwn: () => void };
      };
      it.machine.revert = () => it.machine.silenceOwn();
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
      Object.assign(client, { takeBackChance: 0.5 });
    },
  },
  'a desk that takes frames back at once': {
    desk: (desk: StreamDesk) => {
      Object.assign(desk, { restTicks: 0 });
    },
    client: (client: ClientParty) => {
      Object.assign(client, { leaveChance: 0.3 });
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
