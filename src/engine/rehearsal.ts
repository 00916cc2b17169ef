import type { Device } from '../device/device.js';
import { DeviceSignal, deviceHealth } from '../device/device.js';
import { checksumWords } from '../memory/checksum.js';
import { type Geometry, layoutOf, quantumHeader, ReplicaState, replica } from '../memory/layout.js';
import { quantumAt, replicaAt } from '../memory/replica-ring.js';
import { createSegment } from '../memory/segment.js';
import { DriverCore, DriverStep } from './driver-core.js';
import { plainManners } from './driver-manners.js';

/** Turns after which the hot functions have been compiled. */
const turns = 2000;
/** Takeovers after which what each begins with is known, and turns of each. */
const takeovers = 8;
const turnsOfEach = 4;

/**
 * Runs a driver against memory of its own and a device that is always due, so that the first turn
 * after a takeover is as quick as the millionth. Before the driver is of use, so it may allocate.
 */
export function rehearse(geometry: Geometry): void {
  const small: Geometry = { ...geometry, arenaBytes: 4, programBytes: 4, firstTick: 0 };
  const segment = createSegment(new ArrayBuffer(layoutOf(small).bytes), small);
  const { words } = segment;
  const at = replicaAt(segment, 0);
  words[at + replica.incarnation] = 1;
  words[at + replica.publishedBy] = 1;
  words[at + replica.state] = ReplicaState.ready;
  const world = { nowUs: () => 0, wake: () => {} };
  let tick = 0;
  const take = (core: DriverCore, count: number) => {
    for (let turn = 0; turn < count; turn++, tick++) {
      renderSilence(segment, tick);
      while (core.step() === DriverStep.go);
      core.deviceAnswered(DeviceSignal.due);
    }
  };
  const device = new AlwaysDue(small);
  take(new DriverCore(segment, device, world, { generation: 1, pid: 0 }, []), turns);
  for (let generation = 2; generation < 2 + takeovers; generation++) {
    const manners = { ...plainManners, replayFrames: small.quantum };
    take(new DriverCore(segment, device, world, { generation, pid: 0 }, [], manners), turnsOfEach);
  }
}

function renderSilence(segment: ReturnType<typeof createSegment>, tick: number): void {
  const { words, layout } = segment;
  const at = quantumAt(segment, 0, tick);
  const body = at + quantumHeader.words;
  words[at + quantumHeader.checksum] = checksumWords(words, body, layout.quantumSamples);
  words[at + quantumHeader.incarnation] = 1;
  words[at + quantumHeader.tick] = tick;
  words[replicaAt(segment, 0) + replica.published] = tick;
}

class AlwaysDue implements Device {
  readonly name = 'rehearsal';
  readonly captureChannels = 0;
  readonly latencyFrames = 0;
  readonly unplayedFrames = 0;
  readonly health = new Float64Array(deviceHealth.places);
  readonly rateHz: number;
  readonly channels: number;

  constructor(geometry: Geometry) {
    this.rateHz = geometry.rateHz;
    this.channels = geometry.channels;
  }

  open(): void {}
  wait(): DeviceSignal {
    return DeviceSignal.due;
  }
  read(): void {}
  write(): DeviceSignal {
    return DeviceSignal.due;
  }
  drain(): void {}
  close(): void {}
}
