import { TenutoError } from '../../errors.js';
import { DelayLine, DelayTable, delayKernel, delayTaps } from './fractional-delay.js';
import {
  type RoomOptions,
  type RoomPath,
  roomPaths,
  targetDistance,
  wayGain,
  wayLength,
} from './paths.js';
import { EdgeFilter, RoomNoise, RoomTail } from './sound.js';

/** What leads from what a device plays to what it hears, turn by turn. */
export interface LoopBack {
  /** The device was opened. */
  clear(): void;
  /** Another turn begins; until it is given something, it is given silence. */
  advance(): void;
  /** What this turn hears. */
  hear(into: Float32Array): void;
  /** What is given in this turn; more than a quantum has no place in it. */
  give(samples: Float32Array): void;
  /** Captured frames that were lost or doubled since the opening. */
  readonly dropFrames: number;
}

/** Where a room is heard, and how. */
export interface RoomPlace {
  rateHz: number;
  rateErrorPpm: number;
  quantum: number;
  channels: number;
  captureChannels: number;
}

/** The shortest way: a turn listens before it gives, and half of a kernel looks ahead. */
export function roomLatencyMin(quantum: number): number {
  return quantum + delayTaps / 2;
}

/** Frames between the two clocks, so that the second may run away both ways by a quantum. */
function skewBulk({ skewPpm }: RoomOptions, quantum: number): number {
  return skewPpm === 0 ? 0 : quantum + delayTaps;
}

/** A path whose delay never changes. */
interface StillWay {
  whole: number;
  kernel: Float64Array;
}

/** A whole delay and a kernel for the rest of it, a delay of `delayTaps`/2 within the kernel. */
function stillWay({ delayFrames, gain }: RoomPath): StillWay {
  const whole = Math.floor(delayFrames);
  return { whole, kernel: delayKernel(delayFrames - whole).map((weight) => weight * gain) };
}

/**
 * The acoustic room of the virtual device: what it hears is what it plays, over every path of the
 * sound, with tail, noise, transducers and clocks. The mean of the played channels is heard on all
 * captured ones, held within full scale as a converter does it. Allocation-free but for the
 * constructor; on the audio thread.
 */
export class AcousticRoom implements LoopBack {
  readonly paths: readonly RoomPath[];
  private readonly still: StillWay[];
  private readonly moving: RoomPath[];
  private readonly line: DelayLine;
  private readonly table = new DelayTable();
  private readonly kernel = new Float64Array(delayTaps);
  private readonly sound: Float64Array;
  private readonly source: Float64Array;
  private readonly tail: RoomTail | null;
  private readonly filters: EdgeFilter[];
  private readonly noise: RoomNoise | null;
  private readonly skewed: DelayLine | null;
  private readonly trueRateHz: number;
  private readonly latency: number;
  private readonly bulk: number;
  /** The first frame of this turn, the frames given in it, and those left out by the skew. */
  private readonly counts = new Float64Array(3);

  /** @throws TenutoError `TENUTO_SETTINGS_INVALID` */
  constructor(
    private readonly room: RoomOptions,
    private readonly place: RoomPlace,
  ) {
    const { rateHz, rateErrorPpm, quantum } = place;
    this.bulk = skewBulk(room, quantum);
    const least = roomLatencyMin(quantum) + this.bulk;
    if (room.latencyFrames < least) {
      throw new TenutoError(
        'TENUTO_SETTINGS_INVALID',
        `device.virtual.room.latencyFrames must be at least ${least} with this quantum`,
      );
    }
    this.trueRateHz = rateHz * (1 + rateErrorPpm * 1e-6);
    this.latency = room.latencyFrames - this.bulk;
    const early = { ...room, latencyFrames: this.latency };
    this.paths = roomPaths(room, this.trueRateHz);
    const paths = roomPaths(early, this.trueRateHz);
    this.still = paths.filter(({ target }) => (target?.toM ?? null) === null).map(stillWay);
    this.moving = paths.filter(({ target }) => (target?.toM ?? null) !== null);
    const longest = paths.reduce((most, path) => Math.max(most, this.longest(path)), this.latency);
    this.line = new DelayLine(Math.ceil(longest) + 2 * quantum);
    this.sound = new Float64Array(quantum);
    this.source = new Float64Array(quantum);
    this.tail =
      room.tailSec > 0 ? new RoomTail(10 ** (room.tailDb / 20), room.tailSec, rateHz) : null;
    this.filters = [
      ...(room.lowHz > 0 ? [new EdgeFilter('high', room.lowHz, rateHz)] : []),
      ...(room.highHz > 0 && room.highHz < rateHz / 2
        ? [new EdgeFilter('low', room.highHz, rateHz)]
        : []),
    ];
    this.noise = room.noiseDb <= -200 ? null : new RoomNoise(10 ** (room.noiseDb / 20), room.seed);
    this.skewed = room.skewPpm === 0 ? null : new DelayLine(2 * this.bulk + quantum);
  }

  get dropFrames(): number {
    return this.counts[2]!;
  }

  private longest({ delayFrames, target }: RoomPath): number {
    const { room } = this;
    if (target === null || target.toM === null) return delayFrames;
    const lengthM = wayLength(Math.max(target.distanceM, target.toM), room.spacingM);
    return this.latency + (lengthM / room.soundSpeedMps) * this.trueRateHz;
  }

  clear(): void {
    this.counts.fill(0);
    this.line.clear();
    this.skewed?.clear();
    this.tail?.clear();
    this.noise?.clear();
    for (const filter of this.filters) filter.clear();
  }

  advance(): void {
    const { counts, line, place } = this;
    counts[0]! += place.quantum;
    counts[1] = 0;
    for (let i = 0; i < place.quantum; i++) line.write(counts[0]! + i, 0);
  }

  give(samples: Float32Array): void {
    const { counts, line, place } = this;
    const { channels, quantum } = place;
    const count = Math.min(samples.length / channels, quantum - counts[1]!);
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += samples[i * channels + c]!;
      line.write(counts[0]! + counts[1]! + i, sum / channels);
    }
    counts[1]! += count;
  }

  hear(into: Float32Array): void {
    const { sound, line, still, moving, filters, noise, tail, counts, place } = this;
    const frame = counts[0]!;
    sound.fill(0);
    for (let i = 0; i < still.length; i++)
      line.addTo(sound, frame, still[i]!.whole, still[i]!.kernel);
    for (let i = 0; i < moving.length; i++) this.move(moving[i]!, frame);
    if (tail !== null) {
      const { source } = this;
      const late = Math.round(this.latency);
      for (let i = 0; i < source.length; i++) {
        source[i] = line.samples[(frame + i - late) & (line.samples.length - 1)]!;
      }
      tail.addTo(sound, source, frame);
    }
    for (let i = 0; i < filters.length; i++) filters[i]!.run(sound);
    noise?.addTo(sound);
    if (this.skewed !== null) this.skew(this.skewed, frame);
    const { captureChannels } = place;
    for (let i = 0; i < sound.length; i++) {
      const value = Math.max(-1, Math.min(1, sound[i]!));
      for (let c = 0; c < captureChannels; c++) into[i * captureChannels + c] = value;
    }
  }

  /** Adds what comes back from something that moves: it is where it is when it is heard. */
  private move({ target }: RoomPath, frame: number): void {
    const { sound, room, trueRateHz, kernel, line, table } = this;
    for (let i = 0; i < sound.length; i++) {
      const distanceM = targetDistance(target!, (frame + i) / trueRateHz);
      const lengthM = wayLength(distanceM, room.spacingM);
      const delay = this.latency + (lengthM / room.soundSpeedMps) * trueRateHz;
      const whole = Math.floor(delay);
      const gain = room.gain * target!.reflection * wayGain(lengthM, room.absorptionDbPerM);
      table.kernel(delay - whole, gain, kernel);
      sound[i]! += line.read(frame + i, whole, kernel);
    }
  }

  /**
   * Hears with a clock of its own: ever a little later or earlier, until a quantum is left out or heard
   * twice.
   */
  private skew(skewed: DelayLine, frame: number): void {
    const { sound, room, place, kernel, table, counts } = this;
    for (let i = 0; i < sound.length; i++) skewed.write(frame + i, sound[i]!);
    const driftFrames = room.skewPpm * 1e-6 * frame;
    const left = Math.trunc(driftFrames / place.quantum) * place.quantum;
    counts[2] = Math.abs(left);
    const rest = driftFrames - left;
    for (let i = 0; i < sound.length; i++) {
      // What a faster clock captures at its frame n is what there was a little earlier than that.
      const delay = this.bulk + rest + room.skewPpm * 1e-6 * i;
      const whole = Math.floor(delay);
      table.kernel(delay - whole, 1, kernel);
      sound[i] = skewed.read(frame + i, whole, kernel);
    }
  }
}

/**
 * What a room gives back of a mono signal that is played from its first frame on, without a device and
 * without time passing; one channel.
 */
export function hearRoom(
  room: RoomOptions,
  place: Pick<RoomPlace, 'rateHz' | 'rateErrorPpm' | 'quantum'>,
  { signal, frames }: { signal: Float32Array; frames: number },
): Float32Array {
  const { quantum } = place;
  const acoustic = new AcousticRoom(room, { ...place, channels: 1, captureChannels: 1 });
  const heard = new Float32Array(Math.ceil(frames / quantum) * quantum);
  for (let at = 0; at < heard.length; at += quantum) {
    acoustic.advance();
    acoustic.hear(heard.subarray(at, at + quantum));
    acoustic.give(signal.subarray(at, at + quantum));
  }
  return heard.subarray(0, frames);
}
