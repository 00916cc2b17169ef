/** What a room adds to single echoes: its diffuse tail, the band of its transducers, noise. */

/** Lengths of the delays in seconds, without a common measure. */
const tailDelaysSec = [0.0297, 0.0371, 0.0411, 0.0437, 0.0503, 0.0571, 0.0613, 0.0671];
const lines = tailDelaysSec.length;

/**
 * A diffuse tail: delays that feed each other through a Householder matrix (Jot and Chaigne, 1991).
 * Allocation-free but for the constructor; on the audio thread.
 */
export class RoomTail {
  private readonly rings: Float64Array[];
  private readonly gains: Float64Array;
  private readonly outs = new Float64Array(lines);

  /** @param level amplitude of its beginning, by what comes in */
  constructor(
    private readonly level: number,
    rt60Sec: number,
    rateHz: number,
  ) {
    this.rings = tailDelaysSec.map((sec) => new Float64Array(Math.round(sec * rateHz)));
    this.gains = Float64Array.from(
      this.rings,
      ({ length }) => 10 ** ((-3 * length) / (rateHz * rt60Sec)),
    );
  }

  /** Adds what is heard of these samples. @param frame the number of the first one */
  addTo(into: Float64Array, source: Float64Array, frame: number): void {
    const { rings, gains, outs, level } = this;
    for (let i = 0; i < into.length; i++) {
      let sum = 0;
      for (let line = 0; line < lines; line++) {
        const ring = rings[line]!;
        outs[line] = ring[(frame + i) % ring.length]! * gains[line]!;
        sum += outs[line]!;
      }
      const spread = (2 / lines) * sum;
      for (let line = 0; line < lines; line++) {
        const ring = rings[line]!;
        ring[(frame + i) % ring.length] = source[i]! + outs[line]! - spread;
      }
      into[i]! += level * sum;
    }
  }

  clear(): void {
    for (const ring of this.rings) ring.fill(0);
  }
}

/**
 * One second-order Butterworth filter (Bristow-Johnson's cookbook), in transposed form II. On the
 * audio thread; allocation-free but for the constructor.
 */
export class EdgeFilter {
  private readonly coefficients: Float64Array;
  private readonly state = new Float64Array(2);

  constructor(kind: 'low' | 'high', hz: number, rateHz: number) {
    const w = (2 * Math.PI * hz) / rateHz;
    const alpha = Math.sin(w) / Math.SQRT2;
    const cos = Math.cos(w);
    const edge = kind === 'low' ? 1 - cos : 1 + cos;
    const a0 = 1 + alpha;
    const b1 = (kind === 'low' ? edge : -edge) / a0;
    this.coefficients = Float64Array.of(
      edge / 2 / a0,
      b1,
      edge / 2 / a0,
      (-2 * cos) / a0,
      (1 - alpha) / a0,
    );
  }

  run(samples: Float64Array): void {
    const { coefficients: c, state } = this;
    let s1 = state[0]!;
    let s2 = state[1]!;
    for (let i = 0; i < samples.length; i++) {
      const x = samples[i]!;
      const y = c[0]! * x + s1;
      s1 = c[1]! * x - c[3]! * y + s2;
      s2 = c[2]! * x - c[4]! * y;
      samples[i] = y;
    }
    state[0] = s1;
    state[1] = s2;
  }

  clear(): void {
    this.state.fill(0);
  }
}

/** Gaussian noise by Box and Muller, the same for the same seed. Allocation-free. */
export class RoomNoise {
  private readonly state = new Uint32Array(1);

  constructor(
    private readonly level: number,
    private readonly seed: number,
  ) {
    this.clear();
  }

  addTo(into: Float64Array): void {
    const { level } = this;
    for (let i = 0; i < into.length; i += 2) {
      const radius = level * Math.sqrt(-2 * Math.log(this.uniform()));
      const angle = 2 * Math.PI * this.uniform();
      into[i]! += radius * Math.cos(angle);
      if (i + 1 < into.length) into[i + 1]! += radius * Math.sin(angle);
    }
  }

  private uniform(): number {
    const { state } = this;
    let x = state[0]!;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    state[0] = x;
    return (state[0]! + 0.5) / 2 ** 32;
  }

  clear(): void {
    this.state[0] = (Math.imul(this.seed, 2_654_435_761) ^ 0x9e37_79b9) >>> 0 || 1;
  }
}
