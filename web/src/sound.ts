/** The last stretch of what a tap gives, for whoever draws it. */
export interface Sound {
  readonly rate: number;
  readonly lanes: number;
  /** Another tap, or the same one anew. */
  begin(rate: number, lanes: number): void;
  /** What came, frame by frame. */
  add(lanes: number, samples: Float32Array): void;
  /** Copies the last frames of a lane, oldest first. */
  latest(lane: number, into: Float32Array): void;
  /** Peak and power of each lane in the last `sec` seconds. */
  levels(sec: number): { peak: number; rms: number }[];
  /** When something came last, by `performance.now()`. */
  readonly heardMs: number;
}

/** Frames that are kept: more than any picture shows. */
const frames = 1 << 15;

/** A ring for each lane. */
export class TapSound implements Sound {
  rate = 48_000;
  lanes = 2;
  heardMs = 0;
  private rings = [new Float32Array(frames), new Float32Array(frames)];
  private at = 0;

  begin(rate: number, lanes: number): void {
    this.rate = rate;
    this.lanes = lanes;
    this.rings = Array.from({ length: lanes }, () => new Float32Array(frames));
    this.at = 0;
  }

  add(lanes: number, samples: Float32Array): void {
    if (lanes !== this.lanes) this.begin(this.rate, lanes);
    const count = samples.length / lanes;
    for (let lane = 0; lane < lanes; lane++) {
      const ring = this.rings[lane]!;
      for (let i = 0; i < count; i++) {
        ring[(this.at + i) & (frames - 1)] = samples[i * lanes + lane]!;
      }
    }
    this.at = (this.at + count) & (frames - 1);
    this.heardMs = performance.now();
  }

  latest(lane: number, into: Float32Array): void {
    const ring = this.rings[lane];
    if (ring === undefined) return;
    const from = this.at - into.length + frames;
    for (let i = 0; i < into.length; i++) into[i] = ring[(from + i) & (frames - 1)]!;
  }

  levels(sec: number): { peak: number; rms: number }[] {
    const count = Math.min(frames, Math.round(sec * this.rate));
    return this.rings.map((ring) => {
      let peak = 0;
      let power = 0;
      for (let i = 1; i <= count; i++) {
        const sample = ring[(this.at - i + frames) & (frames - 1)]!;
        peak = Math.max(peak, Math.abs(sample));
        power += sample * sample;
      }
      return { peak, rms: Math.sqrt(power / count) };
    });
  }
}
