import { currentPosition, OutputReader, Reading } from '../../memory/output-ring.js';
import type { Segment } from '../../memory/segment.js';

/** A stretch of what a tap gives. */
export interface Stretch {
  /** Samples of a frame. */
  lanes: number;
  /** Number of its first frame, modulo 2^32. */
  frame: number;
  /** Frames that are missing before it. */
  lostFrames: number;
  /** Interleaved; valid until the next call. */
  samples: Float32Array;
}

/** Quanta that are taken at a time; a reader that is further behind takes the rest the next time. */
const quantaMax = 64;

/** Listens to what the device was given, filler included. */
export class MasterTap {
  private readonly reader: OutputReader;
  private readonly gathered: Float32Array;

  constructor(private readonly segment: Segment) {
    this.reader = new OutputReader(segment, currentPosition(segment));
    this.gathered = new Float32Array(segment.layout.quantumSamples * quantaMax);
  }

  /** What was played since the last call; null when that is nothing. */
  read(): Stretch | null {
    const { reader, gathered } = this;
    const { quantum, channels, quantumSamples } = this.segment.layout;
    const lostBefore = reader.lostQuanta;
    let quanta = 0;
    while (quanta < quantaMax) {
      const found = reader.read();
      if (found === Reading.empty) break;
      // What was lost in the middle is told with the next stretch.
      if (found === Reading.lost && quanta > 0) break;
      if (found === Reading.lost) continue;
      gathered.set(reader.samples, quanta * quantumSamples);
      quanta++;
    }
    if (quanta === 0) return null;
    return {
      lanes: channels,
      frame: ((reader.position - quanta) * quantum) >>> 0,
      lostFrames: (reader.lostQuanta - lostBefore) * quantum,
      samples: gathered.subarray(0, quanta * quantumSamples),
    };
  }
}

/** Peak and power of each lane, until they are asked for. */
export class Levels {
  private peaks: number[] = [];
  private powers: number[] = [];
  private frames = 0;

  add({ lanes, samples }: Stretch): void {
    if (this.peaks.length !== lanes) this.clear(lanes);
    for (let lane = 0; lane < lanes; lane++) {
      let peak = this.peaks[lane]!;
      let power = this.powers[lane]!;
      for (let i = lane; i < samples.length; i += lanes) {
        const sample = samples[i]!;
        const size = Math.abs(sample);
        if (size > peak) peak = size;
        power += sample * sample;
      }
      this.peaks[lane] = peak;
      this.powers[lane] = power;
    }
    this.frames += samples.length / lanes;
  }

  /** Linear, of what came since the last call; null when nothing came. */
  take(): { peak: number[]; rms: number[] } | null {
    if (this.frames === 0) return null;
    const peak = this.peaks.slice();
    const rms = this.powers.map((power) => Math.sqrt(power / this.frames));
    this.clear(peak.length);
    return { peak, rms };
  }

  private clear(lanes: number): void {
    this.peaks = new Array<number>(lanes).fill(0);
    this.powers = new Array<number>(lanes).fill(0);
    this.frames = 0;
  }
}
