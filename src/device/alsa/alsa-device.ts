import {
  errno,
  monotonicNs,
  pcmErrno,
  pcmReport,
  readClock,
  sleepUntil,
  sleepUntilNs,
} from '../../os/index.js';
import { type Device, DeviceSignal, deviceHealth, LostReason } from '../device.js';
import { Pace, paceAt } from '../pace.js';
import { Capture } from './capture.js';
import { Fill, fillAt } from './fill.js';
import { haveOneClock, pcmNameOf, streamProperties } from './names.js';
import { lossOf, Playback, playbackAt } from './playback.js';
import { Progress, progressAt } from './progress.js';
import { NoSignOfIt, type Started, startMs, startSides } from './start.js';

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

/** Steps after which what does not move any more is drained. */
const drainSteps = 3;
/** Turns in a row in which a device may answer with an error that may pass. */
const errorTurnsMax = 4;
/**
 * Room in the device's buffer, of which only the target is used: PipeWire takes 1024 frames at a
 * time, or 2048, when another program asks for that.
 */
const roomFrames = 4096;
/**
 * Times that PipeWire's plugin may be asked in a period of the server's. It gives `wakeFrames` at
 * most each time; asked eight times, 0.3.65 leaves out every other period.
 */
const wakesMax = 4;
/** A device that shows no sign of playing within so long is opened once more. */
const firstSignMs = 120;
/** How often a device that is drained is looked at. */
const drainLookNs = 1e6;
/** PulseAudio's plugin never calls its buffer empty: what does not move any more is drained. */
const drainPatienceNs = 20e6;
/** A time stamp older than this is of something else, or of another clock. */
const stampAgeMaxNs = 100e6;
/** Room for what is played when the device runs dry: the rest is for the turns that follow. */
const silenceFramesMax = roomFrames / 2;

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
  /** When a sleep ends, monotonic nanoseconds. */
  private readonly wakeNs = new Float64Array(1);
  private playback: Playback | null = null;
  private capture: Capture | null = null;
  private pace: Pace;
  private quantumNs: number;
  private isUnpaced = false;
  /** It ran dry while a quantum was given: the next `wait` tells. */
  private ranDry = false;
  /** The quantum that was last due was not given: silence is, so that the pace is kept. */
  private isOwed = false;
  /** No quantum was given yet: to run dry is no loss. */
  private isFresh = true;
  private fill: Fill;
  private progress: Progress;
  private errorTurns = 0;

  constructor(private readonly options: AlsaOptions) {
    const { quantum, rateHz } = options;
    this.name = options.name;
    this.rateHz = rateHz;
    this.channels = options.channels;
    this.captureChannels = options.captureName === null ? 0 : options.captureChannels;
    this.pace = new Pace(options);
    this.quantumNs = (quantum * 1e9) / rateHz;
    this.fill = new Fill(options, silenceFramesMax);
    this.progress = new Progress(options);
  }

  get latencyFrames(): number {
    return Math.round(this.fill.frames[fillAt.target]!);
  }

  get unplayedFrames(): number {
    return this.playback === null ? 0 : this.playback.unplayedFrames;
  }

  open(): void {
    this.close();
    this.health.fill(0);
    try {
      const { quantum } = this.options;
      const stepFramesMax = wakesMax * quantum;
      const { stepFrames } = this.startOnceMore(quantum, stepFramesMax);
      if (stepFrames <= stepFramesMax) return;
      // PipeWire fetches a quantum at a time, and not often enough for such a period.
      this.close();
      this.startOnceMore(stepFrames, roomFrames);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Opens it a second time where it does not start: a sound server that has just begun may leave a
   * stream unlinked for good that came before its rules did.
   */
  private startOnceMore(wakeFrames: number, stepFramesMax: number): Started {
    try {
      return this.start(this.openSides(wakeFrames), stepFramesMax, firstSignMs);
    } catch (error) {
      if (!(error instanceof NoSignOfIt)) throw error;
      this.close();
      return this.start(this.openSides(wakeFrames), stepFramesMax, startMs);
    }
  }

  /** True when the hardware starts both sides together. */
  private openSides(wakeFrames: number): boolean {
    const { name, captureName, quantum, bufferQuanta, ...format } = this.options;
    const wish = {
      ...format,
      name,
      quantum,
      periodFrames: quantum,
      wakeFrames,
      bufferFrames: Math.max(2 * bufferQuanta * quantum, roomFrames),
    };
    const playback = this.withProperties(name, (pcm) => Playback.open(pcm, wish));
    this.playback = playback;
    const { rateHz } = playback.choice;
    this.rateHz = rateHz;
    this.quantumNs = (quantum * 1e9) / rateHz;
    this.pace = new Pace({ rateHz, quantum });
    this.fill = new Fill({ rateHz, quantum, bufferQuanta }, silenceFramesMax);
    this.progress = new Progress({ rateHz, stallMs: this.options.stallMs });
    if (captureName === null) return false;
    const channels = this.captureChannels;
    // What is not fetched in time is lost here, so there is more room.
    const bufferFrames = 2 * wish.bufferFrames;
    const follows = !haveOneClock(name, captureName);
    const capturing = { ...wish, name: captureName, rateHz, channels, bufferFrames };
    const other = { ...capturing, acceptRate: false, follows };
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

  private start(isLinked: boolean, stepFramesMax: number, patienceMs: number): Started {
    const { options, health, fill } = this;
    const { name, captureName, quantum } = options;
    const silenceFrames = options.bufferQuanta * quantum;
    const sizes = { quantum, silenceFrames, stepFramesMax };
    const plan = { name, captureName, isLinked, patienceMs, ...sizes };
    const started = startSides(this.playback!, this.capture, plan);
    fill.begin(started);
    this.playback!.noteStep(started.stepFrames);
    this.isUnpaced = started.isUnpaced;
    this.isFresh = true;
    this.ranDry = false;
    this.isOwed = false;
    this.errorTurns = 0;
    this.progress.reset();
    this.beginPace();
    health[deviceHealth.deviceRateHz] = this.rateHz;
    health[deviceHealth.rateErrorPpm] = started.isUnpaced ? 0 : Number.NaN;
    health[deviceHealth.latencyFrames] = fill.frames[fillAt.target]!;
    return started;
  }

  /** Begins to follow the device where it is now. */
  private beginPace(): void {
    const { pace } = this;
    readClock(pace.times, paceAt.now);
    this.progress.begin(pace);
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
    const { playback, pace, fill, quantumNs } = this;
    if (playback === null) return this.lose(LostReason.gone);
    // An error of this shows again when the device is looked at.
    if (this.isOwed) playback.giveSilence(this.options.quantum);
    this.isOwed = false;
    const written = playback.frames[playbackAt.written]!;
    const { frames } = fill;
    pace.times[paceAt.wanted] = written + this.options.quantum - frames[fillAt.target]!;
    pace.foresee();
    readClock(pace.times, paceAt.now);
    if (pace.times[paceAt.due]! - pace.times[paceAt.now]! > 1.5 * quantumNs) return this.pause(1);
    sleepUntil(pace.times, paceAt.due);
    return this.look(playback);
  }

  /** Sleeps for so many quanta: the device wants nothing. */
  private pause(quanta: number): DeviceSignal {
    const { pace, wakeNs } = this;
    wakeNs[0] = pace.times[paceAt.now]! + quanta * this.quantumNs;
    sleepUntil(wakeNs, 0);
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
    const loss = this.judge(playback, fill);
    if (loss !== LostReason.none) return this.lose(loss);
    this.locate();
    pace.observe();
    const isReady = this.isHeard(fill);
    if (!isReady || playback.report.words[pcmReport.availFrames]! < options.quantum) {
      return this.pause(0.25);
    }
    this.fill.keep(pace, fill);
    this.tell(fill);
    return this.due();
  }

  private due(): DeviceSignal {
    this.isOwed = true;
    if (!this.ranDry) return DeviceSignal.due;
    this.ranDry = false;
    return DeviceSignal.xrun;
  }

  /** The turn of a device that plays as fast as it is given: this machine's clock is its clock. */
  private turnByClock(playback: Playback): DeviceSignal {
    const { pace } = this;
    const { frames } = playback;
    pace.extrapolate();
    const left = frames[playbackAt.written]! - pace.times[paceAt.observed]!;
    if (left < 0) {
      pace.times[paceAt.observed] = frames[playbackAt.written]! - this.fill.marginFrames;
      pace.begin();
      if (!this.isFresh) this.ranDry = true;
    }
    frames[playbackAt.unplayed] = Math.max(0, Math.min(left, frames[playbackAt.content]!));
    this.health[deviceHealth.fillFrames] = Math.max(0, left);
    this.health[deviceHealth.latencyFrames] = this.fill.frames[fillAt.target]!;
    return this.due();
  }

  /** Why the device is lost by its own progress, if it is. */
  private judge(playback: Playback, fillFrames: number): LostReason {
    const { progress, pace, fill } = this;
    const { values } = progress;
    values[progressAt.position] = playback.frames[playbackAt.written]! - fillFrames;
    if (progress.hasMoved) {
      const step = values[progressAt.position]! - values[progressAt.moved]!;
      if (step > fill.stepFrames && !this.isFresh) fill.stepFrames = Math.min(step, roomFrames);
      playback.frames[playbackAt.carried] = 0;
      if (step > 0) playback.noteStep(step);
    }
    return progress.follow(pace, fill.stepFrames);
  }

  /** Whether the listening side has a quantum too, or is not to be waited for any longer. */
  private isHeard(fill: number): boolean {
    const { capture } = this;
    if (capture === null || capture.isLost || fill <= this.options.quantum) return true;
    const waiting = capture.observe();
    return waiting < 0 || waiting >= capture.neededFrames;
  }

  private tell(fill: number): void {
    const { health, playback, capture } = this;
    this.pace.report(health);
    health[deviceHealth.fillFrames] = fill;
    health[deviceHealth.stepFrames] = this.fill.stepFrames;
    health[deviceHealth.latencyFrames] =
      playback!.report.words[pcmReport.delayFrames]! + this.options.quantum;
    if (capture === null) return;
    const waiting = capture.report.words[pcmReport.availFrames]!;
    health[deviceHealth.captureFillFrames] = waiting;
    health[deviceHealth.loopFrames] = fill + waiting;
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
    const { pace, fill } = this;
    if (this.progress.isInVain(pace)) {
      this.lose(LostReason.serverGone);
      return false;
    }
    fill.runDry(pace, this.isFresh);
    const silence = fill.silenceFrames;
    const failure =
      error === -pcmErrno.ESTRPIPE ? playback.resume(silence) : playback.restart(silence);
    if (failure < 0) {
      this.lose(lossOf(failure));
      return false;
    }
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
    const { capture, health } = this;
    if (capture === null) {
      into.fill(0);
      return;
    }
    capture.take(into);
    health[deviceHealth.captureDropFrames] = capture.droppedFrames;
    health[deviceHealth.captureLost] = capture.isLost ? 1 : 0;
  }

  write(samples: Float32Array): DeviceSignal {
    const { playback, pace } = this;
    if (playback === null) return this.lose(LostReason.gone);
    this.isFresh = false;
    this.isOwed = false;
    let error = playback.give(samples);
    if (error >= 0) return DeviceSignal.due;
    readClock(pace.times, paceAt.now);
    const signal = this.suffer(playback, error);
    this.isOwed = false;
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
    let onItsWay = this.fill.offsetFrames;
    if (this.isUnpaced) {
      readClock(pace.times, paceAt.now);
      pace.extrapolate();
      onItsWay = playback.frames[playbackAt.written]! - pace.times[paceAt.observed]!;
    } else {
      let fill = Number.POSITIVE_INFINITY;
      let changedNs = monotonicNs();
      const patienceNs = nsOf(drainSteps * this.fill.stepFrames) + drainPatienceNs;
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
