import { type Device, DeviceSignal, deviceHealth, LostReason } from '../device/device.js';
import { count, counterIndex } from '../memory/counters.js';
import { noteDeviceState } from '../memory/device-desk.js';
import { generationAt } from '../memory/generations.js';
import {
  clock,
  DeviceState,
  Directive,
  DriverMark,
  desk,
  generation,
  OutputKind,
  outputHeader,
} from '../memory/layout.js';
import { outputAt } from '../memory/output-ring.js';
import type { Segment } from '../memory/segment.js';
import type { StreamSegment } from '../memory/stream.js';
import {
  fencedGeneration,
  isLaterGeneration,
  packFenced,
  tickAfter,
  ticksBetween,
} from '../memory/ticks.js';
import { recordTime, timerIndex } from '../memory/timers.js';
import { CapturedRow } from './captured-row.js';
import { ClosingFade } from './closing-fade.js';
import { Concealment } from './concealment.js';
import { DeviceMeter } from './device-meter.js';
import { checkDivergence } from './divergence.js';
import {
  type DriverEnd,
  type DriverManners,
  type DriverWorld,
  plainManners,
} from './driver-manners.js';
import { Replay } from './replay.js';
import { callReplicas } from './replica-calls.js';
import { ReplicaChoice } from './replica-choice.js';
import { Sealer } from './sealing.js';
import { takeOutput, takeSealing } from './takeover.js';

/** What a step of the driver wants next. */
export const DriverStep = {
  /** The next step, at once. */
  go: 0,
  /** `device.wait()`, and its answer to `deviceAnswered`. */
  device: 1,
  /** It has ended: fenced, or told to close. */
  done: 2,
  /** The device is lost: close it, for nobody will ask it anything again. */
  lost: 3,
  /** It has no device and the content waits: the next step in a millisecond or so. */
  idle: 4,
} as const;
export type DriverStep = (typeof DriverStep)[keyof typeof DriverStep];

/** Quanta between two copies of the device's own figures into the memory. */
const healthEvery = 16;

/**
 * The driver as a state machine of small steps over memory, clock and device. Production runs the
 * steps back to back; the simulation stops, kills and reorders between any two of them. One turn:
 * wait for the device, seal the tick that is `lead` ahead, take the due quantum from a replica,
 * give it to the device, put it on the output ring, commit.
 */
export class DriverCore {
  readonly out: Float32Array;
  private readonly taken: Float32Array;
  private readonly concealment: Concealment;
  private readonly sealer: Sealer;
  private phase: () => DriverStep = this.becomeOutput;
  private head = 0;
  private sealed = 0;
  private position = 0;
  private kind: number = OutputKind.content;
  private waiting = false;
  private approached = false;
  private firstCommit = true;
  private readonly replay: Replay;
  private readonly choice: ReplicaChoice;
  private readonly fade: ClosingFade;
  private readonly meter: DeviceMeter;
  private readonly ear: CapturedRow;
  /** Captured frames that the device had lost at the last turn. */
  /** True once it is in charge, and says how it stands with its device. */
  isSeated = false;
  end: DriverEnd = 'closed';

  /** @param device opened; null when it could not be, which is as if it had just been lost. */
  constructor(
    private readonly segment: Segment,
    private device: Device | null,
    private readonly world: DriverWorld,
    private readonly identity: { generation: number; pid: number },
    streams: readonly StreamSegment[],
    private readonly manners: DriverManners = plainManners,
  ) {
    const { quantumSamples, quantum, channels } = segment.layout;
    this.out = new Float32Array(quantumSamples);
    this.ear = new CapturedRow(segment, identity.generation);
    this.replay = new Replay(segment, manners.replayFrames);
    this.fade = new ClosingFade(quantum, channels);
    this.waiting = manners.gently;
    this.meter = new DeviceMeter(segment, world, manners.askedUs);
    this.taken = new Float32Array(quantumSamples);
    this.choice = new ReplicaChoice(segment, new Int32Array(this.taken.buffer));
    this.concealment = new Concealment(quantum, channels);
    this.sealer = new Sealer(segment, streams, identity.generation);
  }

  /** One step. */
  step(): DriverStep {
    return this.phase();
  }

  /** The answer to `DriverStep.device`. */
  deviceAnswered(signal: DeviceSignal): void {
    const heard = signal === DeviceSignal.xrun && this.isPlaying();
    if (heard) count(this.segment, counterIndex.xruns, 1);
    if (signal === DeviceSignal.lost) this.phase = this.lost;
    else if (signal === DeviceSignal.early) this.phase = this.rest;
    else this.phase = this.turn;
  }

  private becomeOutput(): DriverStep {
    const start = takeOutput(this.segment, this.identity.generation, this.identity.pid);
    if (start === null) return this.leave('fenced');
    if (start === 'again') return DriverStep.go;
    this.position = start.position;
    this.head = start.playTick;
    this.replay.endAt(start.position);
    this.phase = this.becomeSealer;
    return DriverStep.go;
  }

  private becomeSealer(): DriverStep {
    const sealed = takeSealing(this.segment, this.identity.generation);
    if (sealed === null) return this.leave('fenced');
    if (sealed === 'again') return DriverStep.go;
    this.sealed = sealed;
    this.sealer.resume(sealed);
    this.isSeated = true;
    if (this.device === null) return this.goOnWithout(0);
    noteDeviceState(this.segment, DeviceState.playing, this.world.nowUs(), 0);
    this.meter.looked(this.device.health);
    this.phase = this.turn;
    return DriverStep.go;
  }

  /** Says that it lives and looks what others want; true when it is to leave. */
  private isToLeave(): boolean {
    const { words, layout } = this.segment;
    Atomics.store(words, layout.clock + clock.beatUs, this.world.nowUs());
    if (Atomics.load(words, layout.clock + clock.directive) >= Directive.close) {
      this.leave('closed');
      return true;
    }
    const successor = Atomics.load(words, layout.clock + clock.handover);
    if (successor === 0 || !isLaterGeneration(successor, this.identity.generation)) return false;
    this.leave('handed-over');
    // Its device plays to the end what it was given; what it was not given is the successor's.
    if (this.device !== null) {
      words[layout.desk + desk.unplayedFrames] = this.replay.leftFrames;
    }
    Atomics.store(words, layout.clock + clock.handedOver, successor);
    return true;
  }

  /** The device is not due yet. */
  private rest(): DriverStep {
    if (this.isToLeave()) return DriverStep.done;
    this.phase = this.wait;
    return DriverStep.go;
  }

  /** The device is due. */
  private turn(): DriverStep {
    if (this.isToLeave()) return DriverStep.done;
    this.phase = this.replay.leftFrames > 0 ? this.replayPart : this.listen;
    return DriverStep.go;
  }

  /** Gives what the last device did not play, and before it a rise to its first frame. */
  private replayPart(): DriverStep {
    const { replay } = this;
    const part = replay.next();
    const rises = this.waiting;
    if (rises) this.concealment.approach(part, this.out);
    this.waiting = false;
    this.phase = this.wait;
    const given = rises ? this.out : part;
    this.ear.skip(this.device!, given.length / this.segment.layout.channels);
    if (this.device!.write(given) === DeviceSignal.lost) {
      this.phase = this.lost;
      return DriverStep.go;
    }
    if (!rises) replay.given();
    this.meter.holds(this.device!, this.replay.leftFrames);
    this.meter.given(this.device!.health);
    return DriverStep.go;
  }

  /** Takes what was captured into the row of this turn, before anything refers to it. */
  private listen(): DriverStep {
    this.phase = this.prepareSeal;
    const device = this.device!;
    this.ear.listen(device, this.position, device === this.manners.standIn);
    return DriverStep.go;
  }

  private prepareSeal(): DriverStep {
    const next = tickAfter(this.sealed, 1);
    if (ticksBetween(next, this.head) > this.segment.layout.lead || this.isAfterStop(next)) {
      this.phase = this.take;
      return DriverStep.go;
    }
    this.sealer.prepare(next, this.position);
    this.phase = this.commitSeal;
    return DriverStep.go;
  }

  private commitSeal(): DriverStep {
    if (!this.sealer.commit()) return this.leave('fenced');
    this.sealed = tickAfter(this.sealed, 1);
    count(this.segment, counterIndex.commands, this.sealer.taken);
    // Before the stream and at its end no later tick would wake those who were not called.
    const all = !this.isPlaying() || this.isAfterStop(tickAfter(this.sealed, 1));
    callReplicas(this.segment, this.world, this.sealed, all);
    this.phase = this.prepareSeal;
    return DriverStep.go;
  }

  /** Fetches the due quantum, or filler when no replica has it. */
  private take(): DriverStep {
    const { words, layout } = this.segment;
    this.phase = this.give;
    if (this.holds() || !this.canBegin()) return this.conceal();
    if (!this.choice.take(this.head)) {
      if (!this.isPlaying()) return this.conceal();
      if (!this.waiting) count(this.segment, counterIndex.underruns, 1);
      this.waiting = true;
      callReplicas(this.segment, this.world, this.sealed, true);
      return this.conceal();
    }
    if (this.waiting && !this.approached) {
      this.approached = true;
      this.kind = OutputKind.concealed;
      this.concealment.approach(this.taken, this.out);
      return DriverStep.go;
    }
    this.waiting = false;
    this.approached = false;
    this.kind = OutputKind.content;
    if (!this.isPlaying()) this.mark(DriverMark.playing);
    this.out.set(this.taken);
    if (Atomics.load(words, layout.clock + clock.directive) >= Directive.fade) {
      this.kind = OutputKind.faded;
      this.fade.apply(this.out);
    }
    this.concealment.follow(this.out);
    return DriverStep.go;
  }

  private conceal(): DriverStep {
    this.kind = OutputKind.concealed;
    this.approached = false;
    this.concealment.fill(this.out);
    return DriverStep.go;
  }

  private give(): DriverStep {
    const playing = this.isPlaying();
    this.phase = playing ? this.writeFirstHalf : this.wait;
    if (!playing) return DriverStep.go;
    if (this.device!.write(this.out) === DeviceSignal.lost) this.phase = this.lost;
    else this.meter.given(this.device!.health);
    return DriverStep.go;
  }

  private writeFirstHalf(): DriverStep {
    const { words, samples, layout } = this.segment;
    const at = outputAt(this.segment, this.identity.generation, this.position);
    Atomics.store(words, at + outputHeader.position, ~this.position);
    const from = at + outputHeader.words;
    const half = layout.quantumSamples >> 1;
    for (let i = 0; i < half; i++) samples[from + i] = this.out[i]!;
    this.phase = this.writeSecondHalf;
    return DriverStep.go;
  }

  private writeSecondHalf(): DriverStep {
    const { words, samples, layout } = this.segment;
    const at = outputAt(this.segment, this.identity.generation, this.position);
    const from = at + outputHeader.words;
    const count = layout.quantumSamples;
    for (let i = count >> 1; i < count; i++) samples[from + i] = this.out[i]!;
    words[at + outputHeader.tick] = this.head;
    words[at + outputHeader.kind] = this.kind;
    words[at + outputHeader.generation] = this.identity.generation;
    Atomics.store(words, at + outputHeader.position, this.position);
    this.phase = this.commit;
    return DriverStep.go;
  }

  /** The quantum counts as played from here on. */
  private commit(): DriverStep {
    const { words, layout } = this.segment;
    const number = this.identity.generation;
    const before = packFenced(number, this.position);
    const after = packFenced(number, this.position + 1);
    const word = layout.clock + clock.committed;
    if (Atomics.compareExchange(words, word, before, after) !== before) return this.leave('fenced');
    this.position = tickAfter(this.position, 1);
    words[layout.clock + clock.nearPosition] = this.position;
    this.noteTime();
    if (this.kind === OutputKind.concealed) {
      count(this.segment, counterIndex.concealed, 1);
    } else {
      count(this.segment, counterIndex.quanta, 1);
      checkDivergence(this.segment, tickAfter(this.head, -layout.lead));
      this.head = tickAfter(this.head, 1);
      words[layout.clock + clock.headTick] = this.head;
    }
    this.meter.holds(this.device!, this.replay.leftFrames);
    if (this.position % healthEvery === 0) this.meter.looked(this.device!.health);
    this.phase = this.wait;
    return DriverStep.go;
  }

  private wait(): DriverStep {
    return DriverStep.device;
  }

  /** Nobody but a successor with another device can help; until then it keeps the place. */
  private lost(): DriverStep {
    const device = this.device!;
    const reason = device.health[deviceHealth.lostReason]!;
    count(this.segment, counterIndex.deviceLost, 1);
    if (reason === LostReason.stalled) count(this.segment, counterIndex.deviceStalls, 1);
    this.meter.holds(device, this.replay.leftFrames);
    this.meter.looked(device.health);
    this.goOnWithout(reason);
    return DriverStep.lost;
  }

  private goOnWithout(lostReason: number): DriverStep {
    const { standIn } = this.manners;
    const { words, layout } = this.segment;
    const state = standIn === null ? DeviceState.held : DeviceState.continuing;
    noteDeviceState(this.segment, state, this.world.nowUs(), lostReason);
    this.device = standIn;
    this.phase = this.idle;
    if (standIn !== null) {
      words[layout.desk + desk.unplayedFrames] = 0;
      this.replay.drop();
      standIn.open();
      this.phase = this.wait;
    }
    return DriverStep.go;
  }

  /** Has no device, and holds the stream where it is. */
  private idle(): DriverStep {
    if (this.isToLeave()) return DriverStep.done;
    const { words, layout } = this.segment;
    const committed = Atomics.load(words, layout.clock + clock.committed);
    if (fencedGeneration(committed) !== this.identity.generation % 256) return this.leave('fenced');
    if (Atomics.load(words, layout.clock + clock.directive) >= Directive.fade) {
      this.mark(DriverMark.faded);
    }
    return DriverStep.idle;
  }

  /** Whoever paces the stream: the device, or its stand-in; null while it is held. */
  get pacer(): Device | null {
    return this.device;
  }

  /** What a device gets that plays no more: from the last frame down to zero. */
  get tail(): Float32Array {
    this.concealment.fill(this.out);
    return this.out;
  }

  private leave(end: DriverEnd): DriverStep {
    this.end = end;
    if (end === 'fenced') count(this.segment, counterIndex.fenced, 1);
    if (end === 'closed') this.mark(DriverMark.closed);
    this.phase = () => DriverStep.done;
    return DriverStep.done;
  }

  /** False until the first content is there: the stream begins with its first sample. */
  private isPlaying(): boolean {
    const { words, layout } = this.segment;
    return Atomics.load(words, layout.clock + clock.driverMark) !== DriverMark.starting;
  }

  /**
   * The first quantum waits for a replica that is as far ahead as it will be from then on: the
   * first ones take it longest, and a stream that begins at once would stumble over them.
   */
  private canBegin(): boolean {
    return this.isPlaying() || this.choice.anyHas(this.sealed);
  }

  /** The stream is over, or faded out: the content waits for ever. */
  private holds(): boolean {
    const { words, layout } = this.segment;
    if (this.isAfterStop(this.head)) {
      this.mark(DriverMark.ended);
      return true;
    }
    const closing = Atomics.load(words, layout.clock + clock.directive) >= Directive.fade;
    if (closing && (this.fade.isOver || this.waiting || this.firstCommit)) {
      this.mark(DriverMark.faded);
      return true;
    }
    return false;
  }

  private isAfterStop(tick: number): boolean {
    const { words, layout } = this.segment;
    if (Atomics.load(words, layout.clock + clock.stopArmed) === 0) return false;
    return ticksBetween(tick, words[layout.clock + clock.stopTick]!) >= 0;
  }

  private noteTime(): void {
    const { words, layout } = this.segment;
    const now = this.world.nowUs();
    if (this.firstCommit) {
      this.firstCommit = false;
      const entry = generationAt(this.segment, this.identity.generation);
      const gapUs = (now - words[layout.clock + clock.commitUs]!) | 0;
      // The first quantum of all comes after no gap.
      const takenOver = this.position !== 1;
      words[entry + generation.gapUs] = takenOver ? gapUs : 0;
      if (takenOver) recordTime(this.segment, timerIndex.takeoverGap, gapUs);
    }
    this.meter.committed(now, this.device!.health);
  }

  private mark(mark: number): void {
    Atomics.store(this.segment.words, this.segment.layout.clock + clock.driverMark, mark);
  }
}
