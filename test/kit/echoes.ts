/** Signals that come back late, weaker and in noise: made without any code of what is tested. */

/** Gaussian noise, the same for every seed. */
export class Gauss {
  private state: number;

  constructor(seed: number) {
    this.state = (seed * 2_654_435_761 + 88_172_645) >>> 0 || 1;
  }

  private uniform(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return (this.state + 0.5) / 2 ** 32;
  }

  next(): number {
    const radius = Math.sqrt(-2 * Math.log(this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
}

const halfTaps = 48;

function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-16; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** Adds a signal, so many frames late, a fraction included, and `gain` times as strong. */
export function addLate(
  into: Float64Array,
  signal: Float32Array,
  { frame, gain }: { frame: number; gain: number },
): void {
  const whole = Math.floor(frame);
  const fraction = frame - whole;
  const kernel = Array.from({ length: 2 * halfTaps }, (_, tap) => {
    const x = tap - halfTaps + 1 - fraction;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    const place = Math.min(1, Math.abs(x) / halfTaps);
    return (sinc * besselI0(12 * Math.sqrt(1 - place * place))) / besselI0(12);
  });
  for (const [tap, weight] of kernel.entries()) {
    const from = whole + tap - halfTaps + 1;
    for (let i = 0; i < signal.length; i++) {
      if (from + i >= 0 && from + i < into.length) into[from + i]! += gain * weight * signal[i]!;
    }
  }
}

/** A recording of arrivals in noise of this standard deviation. */
export function recordEchoes(
  signal: Float32Array,
  frames: number,
  arrivals: readonly { frame: number; gain: number }[],
  { noise = 0, seed = 1 } = {},
): Float32Array {
  const samples = new Float64Array(frames);
  for (const arrival of arrivals) addLate(samples, signal, arrival);
  const gauss = new Gauss(seed);
  if (noise > 0) for (let i = 0; i < frames; i++) samples[i]! += noise * gauss.next();
  return Float32Array.from(samples);
}

/** Noise that makes a signal of this gain so strong against it, frame by frame. */
export function noiseFor(signal: Float32Array, gain: number, snrDb: number): number {
  const power = signal.reduce((sum, x) => sum + x * x, 0) / signal.length;
  return gain * Math.sqrt(power) * 10 ** (-snrDb / 20);
}
