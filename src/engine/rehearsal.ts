import { DeviceSignal } from '../device/device.js';
import { checksumWords } from '../memory/checksum.js';
import { noteDevice } from '../memory/device-desk.js';
import { generationAt } from '../memory/generations.js';
import {
  clock,
  desk,
  generation,
  type Layout,
  layoutOf,
  quantumHeader,
  ReplicaState,
  replica,
} from '../memory/layout.js';
import { quantumAt, replicaAt } from '../memory/replica-ring.js';
import { createSegment, type Segment } from '../memory/segment.js';
import { monotonicUs } from '../os/index.js';
import type { Attachment } from './attach.js';
import { DeviceOpener, quiet } from './device-opener.js';
import { DriverCore, DriverStep } from './driver-core.js';
import { plainManners } from './driver-manners.js';
import { Driver } from './driver-process.js';

/** Turns after which the hot functions have been compiled. */
const turns = 2000;
/** Generations that only begin, and the turns of each; then those that take over as in earnest. */
const beginnings = 16;
const turnsOfEach = 8;
const takeovers = 2;
/** Quanta that each of them replays. */
const replayed = 2;
const slots = [0, 1];
/** Nobody drives by this number, so whoever seals next finds itself fenced. */
const nobody = -1;

/**
 * Drives and takes over in memory of its own, by a device that nobody hears: so all that a takeover
 * needs is compiled, and its first turn is as quick as the millionth. What a compiler has seen here it
 * counts on, hence the real device, streams and clock. Before the driver is of use, so it may allocate.
 */
export function rehearse(attachment: Attachment): void {
  const stage = makeStage(attachment);
  const { segment } = stage;
  const { words, layout } = segment;
  turn(stage, 1, turns);
  // As in a run whose end is set: it is looked for then.
  words[layout.clock + clock.stopTick] = 2 * turns;
  words[layout.clock + clock.stopArmed] = 1;
  let number = 2;
  for (; number < 2 + beginnings; number++) turn(stage, number, turnsOfEach);
  noteDevice(segment, number, 'virtual');
  for (; number < 2 + beginnings + takeovers; number++) takeOver(stage, number);
}

/** A stage, and what is to happen there when replicas are called. */
interface Stage extends Attachment {
  onCall: () => void;
}

/** Memory like the engine's, in which replicas render silence when they are called. */
function makeStage({ order, segment, streams }: Attachment): Stage {
  const { layout } = segment;
  const small = { ...layout, arenaBytes: 4, programBytes: 4, firstTick: 0 };
  const own = createSegment(new ArrayBuffer(layoutOf(small).bytes), small);
  const { words } = own;
  for (const slot of slots) {
    const at = replicaAt(own, slot);
    words[at + replica.incarnation] = 1;
    words[at + replica.publishedBy] = 1;
    words[at + replica.state] = ReplicaState.ready;
  }
  const device = { ...order.device, virtual: quiet(order.device.virtual), captureName: null };
  const stage: Stage = {
    order: { ...order, device },
    segment: own,
    streams,
    onCall: () => {},
    wake() {
      const tick = words[own.layout.clock + clock.nearTick]!;
      for (const slot of slots) renderSilence(own, own.layout, slot, tick);
      stage.onCall();
    },
    wait: () => true,
  };
  return stage;
}

function renderSilence(segment: Segment, layout: Layout, slot: number, tick: number): void {
  const { words } = segment;
  const at = quantumAt(segment, slot, tick);
  const body = at + quantumHeader.words;
  words[at + quantumHeader.checksum] = checksumWords(words, body, layout.quantumSamples);
  words[at + quantumHeader.incarnation] = 1;
  words[at + quantumHeader.tick] = tick;
  words[replicaAt(segment, slot) + replica.published] = tick;
}

/** Drives for so many turns, by a device that is always due. */
function turn(stage: Stage, number: number, count: number): void {
  const { segment, streams } = stage;
  const device = new DeviceOpener(stage).standIn();
  device.open();
  const manners = { ...plainManners, replayFrames: number > 1 ? segment.layout.quantum : 0 };
  // Of two functions that wake, lest the compiler count on one: in earnest it is another.
  const wake = number % 2 === 0 ? stage.wake : () => stage.wake(0);
  const world = { nowUs: monotonicUs, wake };
  const core = new DriverCore(
    segment,
    device,
    world,
    { generation: number, pid: 0 },
    streams,
    manners,
  );
  for (let turned = 0; turned < count; turned++) {
    while (core.step() === DriverStep.go);
    core.deviceAnswered(DeviceSignal.due);
  }
  device.close();
}

/** Takes over as in earnest, and is fenced after the first quantum. */
function takeOver(stage: Stage, number: number): void {
  const { segment } = stage;
  const { words, layout } = segment;
  const sealed = layout.clock + clock.sealed;
  let kept = 0;
  stage.onCall = () => {
    kept = words[sealed]!;
    words[sealed] = nobody;
    stage.onCall = () => {};
  };
  words[layout.desk + desk.unplayedFrames] = replayed * layout.quantum;
  words[layout.clock + clock.requestedGeneration] = number;
  const driver = new Driver({ ...stage, order: { ...stage.order, place: number } });
  const ready = driver.standBy();
  if (ready !== null) driver.drive(ready);
  words[sealed] = kept;
  // The next one would end this very process as its predecessor.
  words[generationAt(segment, number) + generation.pid] = 0;
}
