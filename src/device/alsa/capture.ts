import { errno, type Pcm, PcmState, pcmErrno, pcmReport } from '../../os/index.js';
import { decodeSamples } from '../../pcm/sample-format.js';
import { cleanSamples, gateTally } from '../../pcm/sample-gate.js';
import { ClockFollower } from '../clock-follower.js';
import { negotiate, type PcmChoice, type PcmWish } from './negotiation.js';
import { channelMapOf, openNamed } from './playback.js';

const frameBytesMax = 256;
/** Quanta above its usual fill from which a capture buffer is emptied: the clocks differ. */
const overfullQuanta = 8;

export interface CaptureWish {
  quantum: number;
  stallMs: number;
  /** Frames above its usual fill from which the buffer is emptied. Default: 8 quanta. */
  overfullFrames?: number;
  /** Its clock is another one than that of what plays, which it is brought to. Default: no. */
  follows?: boolean;
}

/**
 * The listening side of a device. Each turn takes one quantum, so that what was heard stays beside
 * what was played: what is missing becomes silence, and as much is thrown away when it comes after
 * all. All but `open` and `close` may be called on the audio thread.
 */
export class Capture {
  readonly report = { words: new Int32Array(pcmReport.places), timeNs: new Float64Array(1) };
  readonly tally = new Float64Array(gateTally.places);
  /** Frames that were silence instead, or thrown away. */
  droppedFrames = 0;
  private hasFailed = false;
  /** Frames fetched from the device, in an array as they outgrow what a field holds. */
  readonly fetched = new Float64Array(1);
  /** Frames that will come late and be thrown away. */
  private owedFrames = 0;
  /** Frames that it holds before a turn when all is well; 0 until it is known. */
  private usualFrames = 0;
  /** Frames that the device gives at a time, and how often it was seen to give some. */
  private stepFrames = 0;
  private steps = 0;
  private seenFrames = 0;
  /** Turns in a row in which the device gave nothing. */
  private deafTurns = 0;
  private readonly view: DataView;
  private readonly floats: Float32Array;
  private readonly staging: Float32Array;
  private readonly map: ReturnType<typeof channelMapOf>;
  /** What the device gave, with the engine's channels, on its way to the follower. */
  private readonly row: Float32Array;

  constructor(
    readonly pcm: Pcm,
    readonly choice: PcmChoice,
    readonly channels: number,
    private readonly quantum: number,
    private readonly deafTurnsMax: number,
    private readonly overfullFrames: number,
    /** Null where both sides have one clock. */
    private readonly follower: ClockFollower | null,
  ) {
    this.view = new DataView(pcm.transfer);
    this.floats = new Float32Array(pcm.transfer, 0, quantum * choice.channels);
    this.staging = new Float32Array(quantum * choice.channels);
    this.map = channelMapOf(choice.channels, channels);
    this.row = new Float32Array(follower === null ? 0 : quantum * channels);
  }

  static open(pcmName: string, wish: PcmWish & CaptureWish): Capture {
    const { quantum, channels, rateHz, stallMs } = wish;
    const { overfullFrames = overfullQuanta * quantum, follows = false } = wish;
    const deafTurnsMax = Math.ceil((stallMs * rateHz) / (1000 * quantum));
    const pcm = openNamed(wish.name, pcmName, 'capture', quantum * frameBytesMax);
    try {
      const choice = negotiate(pcm, wish);
      const follower = follows ? new ClockFollower({ rateHz, channels, quantum }) : null;
      return new Capture(pcm, choice, channels, quantum, deafTurnsMax, overfullFrames, follower);
    } catch (error) {
      pcm.close();
      throw error;
    }
  }

  /** It cannot be started again, or gives nothing; what gives something again is heard again. */
  get isLost(): boolean {
    return this.hasFailed || this.deafTurns > this.deafTurnsMax;
  }

  /** Begins anew, and forgets what was heard. 0 or a negative errno. */
  restart(isLinked: boolean): number {
    const { pcm } = this;
    this.owedFrames = 0;
    this.usualFrames = 0;
    this.seenFrames = 0;
    this.follower?.clear();
    const error = pcm.prepare();
    return error < 0 || isLinked ? error : pcm.start();
  }

  /** Before the first quantum is taken: notes in what steps the device gives frames. */
  noteStep(waiting: number): void {
    const step = waiting - this.seenFrames;
    if (step <= 0) return;
    if (this.steps++ > 0) this.stepFrames = Math.max(this.stepFrames, step);
    this.seenFrames = waiting;
  }

  /** Frames that are held before the first quantum is taken: it stays late by one. */
  get startFrames(): number {
    const { stepFrames, quantum, follower } = this;
    return Math.max(stepFrames, quantum) + quantum + (follower?.marginFrames ?? 0);
  }

  /** Frames without which a turn had better wait a little. */
  get neededFrames(): number {
    return this.usualFrames === 0 ? this.startFrames : this.quantum;
  }

  /** Whether it was seen to give frames, and holds enough of them. */
  isReady(waiting: number): boolean {
    return this.steps > 1 && waiting >= this.startFrames;
  }

  /** Frames that wait to be read, or a negative errno. */
  observe(): number {
    const { pcm, report } = this;
    const error = pcm.observe(report);
    if (error < 0) return error;
    const state = report.words[pcmReport.state]!;
    if (state === PcmState.running || state === PcmState.prepared) {
      return report.words[pcmReport.availFrames]!;
    }
    if (state === PcmState.suspended) return -pcmErrno.ESTRPIPE;
    if (state === PcmState.disconnected) return -errno.ENODEV;
    return -errno.EPIPE;
  }

  /** Takes a quantum: what is missing of it is silence. */
  take(into: Float32Array): void {
    const { quantum } = this;
    const waiting = this.hasFailed ? -errno.ENODEV : this.observe();
    if (waiting < 0) {
      this.miss(into, 0);
      this.noteDeaf();
      // One whose node is gone lets itself be started again and again.
      if (!this.hasFailed) this.hasFailed = this.isLost || this.restart(false) < 0;
      return;
    }
    if (waiting > 0 && this.isLost) {
      // Nobody knows how long it was silent: it is as if it had just been started.
      this.usualFrames = 0;
      this.owedFrames = 0;
    }
    if (waiting > 0) this.deafTurns = 0;
    else this.noteDeaf();
    this.settle(waiting);
    let taken = 0;
    if (this.usualFrames === 0) taken = 0;
    else if (this.follower !== null) taken = this.takeFollowing(this.follower, into, waiting);
    else {
      taken = this.pull(Math.min(quantum, waiting));
      this.deliver(into, taken);
    }
    if (taken < quantum) this.miss(into, taken);
  }

  /** Takes as much from the device as makes a quantum of the other clock. */
  private takeFollowing(follower: ClockFollower, into: Float32Array, waiting: number): number {
    const { quantum, row } = this;
    follower.follow(waiting + follower.heldFrames - this.usualFrames);
    let left = waiting;
    while (left > 0 && follower.neededFrames > 0) {
      const taken = this.pull(Math.min(quantum, left));
      if (taken === 0) break;
      this.deliver(row, taken);
      follower.push(row, taken);
      left -= taken;
    }
    return follower.pull(into);
  }

  /** Nothing came; counted no further than it matters, however long that takes. */
  private noteDeaf(): void {
    this.deafTurns = Math.min(this.deafTurns, this.deafTurnsMax) + 1;
  }

  /**
   * Brings the fill to where it should be before a quantum is taken: at first, and when frames come
   * late that were given as silence already, or when the buffer fills up.
   */
  private settle(waiting: number): void {
    const { quantum } = this;
    if (this.usualFrames === 0) {
      if (waiting < this.startFrames) return;
      this.usualFrames = this.startFrames;
      this.owedFrames = 0;
      this.discard(waiting - this.startFrames);
      return;
    }
    if (this.owedFrames > 0 && waiting >= quantum + this.owedFrames) {
      this.discard(this.owedFrames);
      this.owedFrames = 0;
    } else if (waiting > this.usualFrames + this.overfullFrames) {
      this.droppedFrames += waiting - this.usualFrames;
      this.discard(waiting - this.usualFrames);
    }
  }

  private discard(frames: number): void {
    let left = frames;
    while (left > 0) {
      const taken = this.pull(Math.min(left, this.quantum));
      if (taken === 0) return;
      left -= taken;
    }
  }

  private pull(frames: number): number {
    const taken = Math.max(0, this.pcm.read(frames));
    this.fetched[0]! += taken;
    return taken;
  }

  private deliver(into: Float32Array, frames: number): void {
    const { choice, staging, map } = this;
    const samples = frames * choice.channels;
    if (choice.format === 'f32') staging.set(this.floats);
    else decodeSamples(choice.format, this.view, 0, staging, 0, samples);
    staging.fill(0, samples);
    cleanSamples(staging, 0, samples, this.tally);
    if (map === null) into.set(staging);
    else map.map(staging, into, this.quantum);
  }

  private miss(into: Float32Array, taken: number): void {
    const missing = this.quantum - taken;
    into.fill(0, taken * this.channels);
    this.droppedFrames += missing;
    // Where the clocks are followed, what comes late is not thrown away: the loop makes room for it.
    if (this.usualFrames > 0 && this.follower === null) this.owedFrames += missing;
  }

  close(): void {
    this.pcm.close();
  }
}
