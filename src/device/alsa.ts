import {
  errno,
  monotonicNs,
  pcmErrno,
  pcmReport,
  readClock,
  sleepUntil,
  sleepUntilNs,
} from '../os/index.js';
import { Capture } from './alsa-capture.js';
import { pcmNameOf, streamProperties } from './alsa-names.js';
import { lossOf, Playback, playbackAt } from './alsa-playback.js';
import { startSides } from './alsa-start.js';
import { type Device, DeviceSignal, deviceHealth, LostReason } from './device.js';
import { Pace, paceAt } from './pace.js';

export interface AlsaOptions {
  /** `alsa:NAME` or `pipewire:NODE`. */
  name: string;
  /** Of the device that is listened to, in the same way; null for none. */
  captureName: string | null;
  rateHz: number;
  channels: number;
  captureChannels: number;
  /** Frames that `write` gives and `read` takes. */
  quantum: number;
  /** Quanta that the device holds when it was just given one: it may be late by one fewer. */
  bufferQuanta: number;
  /** How long its position may stand still before it counts as lost. */
  stallMs: number;
  /** Run at the device's rate where it refuses the wanted one; `rateHz` tells it then. */
  acceptRate: boolean;
}

/** Places in the array of times and frames. */
const at = {
  wakeNs: 0,
  /** When the device's position was last seen to move, and where it was then. */
  movedNs: 1,
  moved: 2,
  /** Frames from the one given last to the loudspeaker, which each turn reaches. */
  target: 3,
  /** Least frames in the buffer before a turn, in this window. */
  leastFill: 4,
  ranDryNs: 5,
  /** When it was started again for the first time of those that were in vain. */
  revivedNs: 6,
  places: 7,
} as const;

/** Turns between two looks whether the buffer is fuller or emptier than it should be. */
const windowTurns = 128;
/** Steps for which a position may stand still before that counts as stalled. */
const stallSteps = 3;
/** Turns in a row in which a device may answer with an error that may pass. */
const errorTurnsMax = 4;
/**
 * Room in the device's buffer, of which only the target is used: PipeWire takes 1024 frames at a
 * time, or 2048, when another program asks for that.
 */
const roomFrames = 4096;
/** Restarts in vain before a device that lets itself be restarted is given up all the same. */
const revivalsMax = 3;
/** How often a device that is drained is looked at. */
const drainLookNs = 1e6;
/** PulseAudio's plugin never calls its buffer empty: what does not move any more is drained. */
const drainPatienceNs = 20e6;
/**
 * PipeWire's plugin has eight buffers of a period: of a server that takes this many periods at a
 * time, and turns that way so often in a row, it plays at half the speed.
 */
const stepPeriodsMax = 6;
/** Periods that are well: a fraction that leaves none over, so that none lies about half taken. */
const stepPeriods = 4;
const longStepsMax = 8;
/** A time stamp older than this is of something else, or of another clock. */
const stampAgeMaxNs = 100e6;
/** Dry runs that follow each other faster than this call for a longer buffer. */
const dryAgainNs = 1e9;

/**
 * A PCM of ALSA: hardware, or the sound server by its plugin. libasound is never waited for but in
 * `open` and `close`; `wait` sleeps until the loop that follows the device's position says that the
 * next quantum is due.
 */
export class AlsaDevice implements Device {
  readonly name: string;
  readonly health = new Float64Array(deviceHealth.places);
  rateHz: number;
  readonly channels: number;
  readonly captureChannels: number;
  private readonly times = new Float64Array(at.places);
  private playback: Playback | null = null;
  private capture: Capture | null = null;
  private pace: Pace;
  private quantumNs: number;
  private isUnpaced = false;
  /** It ran dry while a quantum was given: the next `wait` tells. */
  private ranDry = false;
  /** No quantum was given yet: to run dry is no loss. */
  private isFresh = true;
  /** Frames that the device takes at a time. */
  private stepFrames = 0;
  private offsetFrames = 0;
  /** Frames in the buffer before a turn, by which the turn may be late. */
  private readonly marginFrames: number;
  /** Silence that it is started with after it ran dry. */
  private silenceFrames = 0;
  private turns = 0;
  private errorTurns = 0;
  /** Restarts since the device last moved. */
  private revivals = 0;
  /** Movements in a row that were longer than its buffers bear. */
  private longSteps = 0;

  constructor(private readonly options: AlsaOptions) {
    const { quantum, rateHz } = options;
    this.name = options.name;
    this.rateHz = rateHz;
    this.channels = options.channels;
    this.captureChannels = options.captureName === null ? 0 : options.captureChannels;
    this.pace = new Pace(options);
    this.quantumNs = (quantum * 1e9) / rateHz;
    this.marginFrames = (options.bufferQuanta - 1) * quantum;
  }

  get latencyFrames(): number {
    return Math.round(this.times[at.target]!);
  }

  get unplayedFrames(): number {
    return this.playback === null ? 0 : this.playback.unplayedFrames;
  }

  open(): void {
    this.close();
    this.health.fill(0);
    const { quantum } = this.options;
    try {
      this.start(this.openSides(quantum));
      if (this.stepFrames >= stepPeriodsMax * quantum && !this.isUnpaced) {
        // It would not be asked more often by a shorter period, and starve.
        const periodFrames = Math.ceil(this.stepFrames / stepPeriods);
        this.close();
        this.start(this.openSides(periodFrames));
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** True when the hardware starts both sides together. */
  private openSides(periodFrames: number): boolean {
    const { name, captureName, quantum, bufferQuanta, ...format } = this.options;
    const wish = {
      ...format,
      name,
      quantum,
      periodFrames,
      bufferFrames: Math.max(2 * bufferQuanta * quantum, roomFrames),
    };
    const playback = this.withProperties(name, (pcm) => Playback.open(pcm, wish));
    this.playback = playback;
    const { rateHz } = playback.choice;
    this.rateHz = rateHz;
    this.quantumNs = (quantum * 1e9) / rateHz;
    this.pace = new Pace({ rateHz, quantum });
    if (captureName === null) return false;
    const channels = this.captureChannels;
    // What is not fetched in time is lost here, so there is more room.
    const bufferFrames = 2 * wish.bufferFrames;
    const other = { ...wish, name: captureName, rateHz, channels, acceptRate: false, bufferFrames };
    this.capture = this.withProperties(captureName, (pcm) => Capture.open(pcm, other));
    return playback.pcm.link(this.capture.pcm) === 0;
  }

  /** Opens a PCM by a device's name; PipeWire's plugin takes properties from the environment. */
  private withProperties<T>(name: string, open: (pcm: string) => T): T {
    const found = pcmNameOf(name);
    const before = process.env.PIPEWIRE_ALSA;
    process.env.PIPEWIRE_ALSA = streamProperties(before, found);
    try {
      return open(found.pcm);
    } finally {
      if (before === undefined) delete process.env.PIPEWIRE_ALSA;
      else process.env.PIPEWIRE_ALSA = before;
    }
  }

  private start(isLinked: boolean): void {
    const { options, times, health } = this;
    const { name, captureName, quantum } = options;
    const silenceFrames = options.bufferQuanta * quantum;
    const plan = { name, captureName, quantum, silenceFrames, isLinked };
    const started = startSides(this.playback!, this.capture, plan);
    this.isUnpaced = started.isUnpaced;
    this.stepFrames = started.stepFrames;
    this.offsetFrames = started.offsetFrames;
    this.playback!.noteStep(this.stepFrames);
    this.silenceFrames = Math.max(this.marginFrames, this.stepFrames);
    times[at.target] = this.offsetFrames + this.marginFrames + quantum;
    this.isFresh = true;
    this.ranDry = false;
    this.turns = 0;
    this.errorTurns = 0;
    this.revivals = 0;
    this.longSteps = 0;
    times[at.leastFill] = Number.MAX_SAFE_INTEGER;
    times[at.ranDryNs] = 0;
    this.beginPace();
    health[deviceHealth.deviceRateHz] = this.rateHz;
    health[deviceHealth.latencyFrames] = times[at.target]!;
  }

  /** Begins to follow the device where it is now. */
  private beginPace(): void {
    const { pace, times } = this;
    readClock(pace.times, paceAt.now);
    times[at.movedNs] = pace.times[paceAt.now]!;
    times[at.moved] = 0;
    this.locate();
    pace.begin();
  }

  /** Frames that were heard, and when, into the pace: by the device's own account. */
  private locate(): void {
    const { pace, playback } = this;
    // Its time stamp is nearer to its position than what the clock said after the call.
    const stampNs = playback!.report.timeNs[0]!;
    const ageNs = pace.times[paceAt.now]! - stampNs;
    if (ageNs > 0 && ageNs < stampAgeMaxNs) pace.times[paceAt.now] = stampNs;
    const written = playback!.frames[playbackAt.written]!;
    const delay = playback!.report.words[pcmReport.delayFrames]!;
    pace.times[paceAt.observed] = this.isUnpaced ? 0 : written - delay;
  }

  wait(): DeviceSignal {
    const { playback, pace, times, quantumNs } = this;
    if (playback === null) return this.lose(LostReason.gone);
    const written = playback.frames[playbackAt.written]!;
    pace.times[paceAt.wanted] = written + this.options.quantum - times[at.target]!;
    pace.foresee();
    readClock(pace.times, paceAt.now);
    if (pace.times[paceAt.due]! - pace.times[paceAt.now]! > 1.5 * quantumNs) return this.pause(1);
    sleepUntil(pace.times, paceAt.due);
    return this.look(playback);
  }

  /** Sleeps for so many quanta: the device wants nothing. */
  private pause(quanta: number): DeviceSignal {
    const { pace, times } = this;
    times[at.wakeNs] = pace.times[paceAt.now]! + quanta * this.quantumNs;
    sleepUntil(times, at.wakeNs);
    return DeviceSignal.early;
  }

  /** Looks where the device is, and whether it takes a quantum. */
  private look(playback: Playback): DeviceSignal {
    const { pace, options } = this;
    const error = playback.observe();
    readClock(pace.times, paceAt.now);
    if (error < 0) return this.suffer(playback, error);
    this.errorTurns = 0;
    if (this.isUnpaced) return this.turnByClock(playback);
    const fill = playback.fillFrames;
    if (this.standsStill(playback, fill)) return this.lose(LostReason.stalled);
    if (this.longSteps > longStepsMax) return this.lose(LostReason.failed);
    this.locate();
    pace.observe();
    const isReady = this.isHeard(fill);
    if (!isReady || playback.report.words[pcmReport.availFrames]! < options.quantum) {
      return this.pause(0.25);
    }
    this.keepFill(fill);
    this.tell(fill);
    return this.due();
  }

  private due(): DeviceSignal {
    if (!this.ranDry) return DeviceSignal.due;
    this.ranDry = false;
    return DeviceSignal.xrun;
  }

  /** The turn of a device that plays as fast as it is given: this machine's clock is its clock. */
  private turnByClock(playback: Playback): DeviceSignal {
    const { pace, times } = this;
    const { frames } = playback;
    pace.extrapolate();
    const left = frames[playbackAt.written]! - pace.times[paceAt.observed]!;
    if (left < 0) {
      pace.times[paceAt.observed] = frames[playbackAt.written]! - this.marginFrames;
      pace.begin();
      if (!this.isFresh) this.ranDry = true;
    }
    frames[playbackAt.unplayed] = Math.max(0, Math.min(left, frames[playbackAt.content]!));
    this.health[deviceHealth.fillFrames] = Math.max(0, left);
    this.health[deviceHealth.latencyFrames] = times[at.target]!;
    return this.due();
  }

  /** Whether the device's own position has not moved for too long, though it has what to play. */
  private standsStill(playback: Playback, fill: number): boolean {
    const { times, pace } = this;
    const position = playback.frames[playbackAt.written]! - fill;
    const step = position - times[at.moved]!;
    if (step !== 0) {
      if (step > this.stepFrames && !this.isFresh) this.stepFrames = Math.min(step, roomFrames);
      const isLong = step >= stepPeriodsMax * playback.choice.periodFrames;
      this.longSteps = isLong ? this.longSteps + 1 : 0;
      if (step > 0) playback.noteStep(step);
      times[at.moved] = position;
      times[at.movedNs] = pace.times[paceAt.now]!;
      this.revivals = 0;
      playback.frames[playbackAt.carried] = 0;
      return false;
    }
    const stepsMs = (stallSteps * this.stepFrames * 1000) / this.rateHz;
    const limitMs = Math.max(this.options.stallMs, stepsMs);
    return pace.times[paceAt.now]! - times[at.movedNs]! > limitMs * 1e6;
  }

  /** Whether the listening side has a quantum too, or is not to be waited for any longer. */
  private isHeard(fill: number): boolean {
    const { capture } = this;
    if (capture === null || capture.isLost || fill <= this.options.quantum) return true;
    const waiting = capture.observe();
    return waiting < 0 || waiting >= capture.neededFrames;
  }

  /**
   * Keeps the least that the buffer holds before a turn where it should be: the device's account of
   * the way to its loudspeaker may be wrong or change. A turn that is late is no reason.
   */
  private keepFill(fill: number): void {
    const { times, pace, options } = this;
    const lateNs = Math.max(0, pace.times[paceAt.now]! - pace.times[paceAt.due]!);
    const onTime = fill + (lateNs * this.rateHz) / 1e9;
    times[at.leastFill] = Math.min(times[at.leastFill]!, onTime);
    if (++this.turns < windowTurns) return;
    this.turns = 0;
    const missing = this.marginFrames - times[at.leastFill]!;
    if (missing > options.quantum / 2) times[at.target]! += missing;
    else if (missing < -options.quantum) times[at.target]! -= options.quantum / 8;
    times[at.leastFill] = Number.MAX_SAFE_INTEGER;
  }

  private tell(fill: number): void {
    const { health, playback, capture } = this;
    this.pace.report(health);
    health[deviceHealth.fillFrames] = fill;
    health[deviceHealth.stepFrames] = this.stepFrames;
    health[deviceHealth.latencyFrames] =
      playback!.report.words[pcmReport.delayFrames]! + this.options.quantum;
    if (capture === null) return;
    health[deviceHealth.captureFillFrames] = capture.report.words[pcmReport.availFrames]!;
    health[deviceHealth.captureDropFrames] = capture.droppedFrames;
    health[deviceHealth.captureLost] = capture.isLost ? 1 : 0;
  }

  /** Deals with an error of the playing side: goes on, or gives the device up. */
  private suffer(playback: Playback, error: number): DeviceSignal {
    switch (-error) {
      case errno.EPIPE:
      case pcmErrno.ESTRPIPE:
        return this.revive(playback, error) ? this.due() : DeviceSignal.lost;
      case errno.EIO:
      case errno.EAGAIN:
      case errno.EINTR:
        if (++this.errorTurns < errorTurnsMax) return this.pause(0.25);
        return this.lose(LostReason.failed);
      default:
        return this.lose(lossOf(error));
    }
  }

  /** Starts it again after it ran dry or slept. False when it is lost. */
  private revive(playback: Playback, error: number): boolean {
    const { times, pace, options } = this;
    const now = pace.times[paceAt.now]!;
    if (this.revivals++ === 0) times[at.revivedNs] = now;
    const vainMs = (now - times[at.revivedNs]!) / 1e6;
    if (this.revivals > revivalsMax && vainMs > options.stallMs) {
      this.lose(LostReason.serverGone);
      return false;
    }
    const again = now - times[at.ranDryNs]! < dryAgainNs;
    times[at.ranDryNs] = now;
    const needed = Math.max(this.marginFrames, this.stepFrames);
    this.silenceFrames = again ? Math.min(2 * this.silenceFrames, roomFrames / 2) : needed;
    const silence = this.silenceFrames;
    const failure =
      error === -pcmErrno.ESTRPIPE ? playback.resume(silence) : playback.restart(silence);
    if (failure < 0) {
      this.lose(lossOf(failure));
      return false;
    }
    times[at.target] = this.offsetFrames + silence + options.quantum;
    times[at.leastFill] = Number.MAX_SAFE_INTEGER;
    this.turns = 0;
    playback.observe();
    this.beginPace();
    if (!this.isFresh) this.ranDry = true;
    return true;
  }

  private lose(reason: LostReason): DeviceSignal {
    this.health[deviceHealth.lostReason] = reason;
    return DeviceSignal.lost;
  }

  read(into: Float32Array): void {
    if (this.capture === null) into.fill(0);
    else this.capture.take(into);
  }

  write(samples: Float32Array): DeviceSignal {
    const { playback, pace } = this;
    if (playback === null) return this.lose(LostReason.gone);
    this.isFresh = false;
    let error = playback.give(samples);
    if (error >= 0) return DeviceSignal.due;
    readClock(pace.times, paceAt.now);
    const signal = this.suffer(playback, error);
    if (signal === DeviceSignal.lost) return signal;
    error = playback.give(samples);
    if (error < 0) return this.lose(lossOf(error));
    return DeviceSignal.due;
  }

  drain(timeoutMs: number): void {
    const { playback, pace } = this;
    if (playback === null) return;
    const deadlineNs = monotonicNs() + timeoutMs * 1e6;
    const nsOf = (frames: number) => (frames * 1e9) / this.rateHz;
    // What left the buffer is on its way; a dry buffer says so by an error.
    let onItsWay = this.offsetFrames;
    if (this.isUnpaced) {
      readClock(pace.times, paceAt.now);
      pace.extrapolate();
      onItsWay = playback.frames[playbackAt.written]! - pace.times[paceAt.observed]!;
    } else {
      let fill = Number.POSITIVE_INFINITY;
      let changedNs = monotonicNs();
      const patienceNs = nsOf(stallSteps * this.stepFrames) + drainPatienceNs;
      for (let now = changedNs; now < deadlineNs; now = monotonicNs()) {
        if (playback.observe() < 0 || playback.fillFrames <= 0) break;
        if (playback.fillFrames !== fill) changedNs = now;
        else if (now - changedNs > patienceNs) break;
        fill = playback.fillFrames;
        sleepUntilNs(now + drainLookNs);
      }
    }
    sleepUntilNs(Math.min(deadlineNs, monotonicNs() + nsOf(onItsWay)));
    playback.frames[playbackAt.unplayed] = 0;
    playback.frames[playbackAt.carried] = 0;
  }

  close(): void {
    this.capture?.close();
    this.playback?.close();
    this.capture = null;
    this.playback = null;
  }
}
