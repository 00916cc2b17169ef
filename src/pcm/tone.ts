/** How conversions are judged: by tones, and by what is left when a tone is taken away. */

/** A tone of amplitude 10^(-1/20), 1 dB below full scale, as float32 holds it. */
export function makeTone(hz: number, rateHz: number, frames: number): Float32Array {
  return Float32Array.from(
    { length: frames },
    (_, i) => fullTone * Math.sin(angleAt(hz, rateHz, i)),
  );
}

const fullTone = 10 ** (-1 / 20);

/** Without the whole turns, so that a late frame is as exact as an early one. */
function angleAt(hz: number, rateHz: number, frame: number): number {
  const turns = (hz / rateHz) * frame;
  return 2 * Math.PI * (turns - Math.floor(turns));
}

/** What a conversion did to a tone of `makeTone`. */
export interface ToneResult {
  /** Level against the input's. */
  gainDb: number;
  /** All that is not the tone, against a tone at the input's level: THD+N, with aliases. */
  residualDb: number;
}

/** Finds the tone in `samples`, by least squares. */
export function judgeTone(samples: Float32Array, hz: number, rateHz: number): ToneResult {
  let ss = 0;
  let sc = 0;
  let cc = 0;
  let ys = 0;
  let yc = 0;
  for (let i = 0; i < samples.length; i++) {
    const angle = angleAt(hz, rateHz, i);
    const s = Math.sin(angle);
    const c = Math.cos(angle);
    ss += s * s;
    sc += s * c;
    cc += c * c;
    ys += samples[i]! * s;
    yc += samples[i]! * c;
  }
  const determinant = ss * cc - sc * sc;
  // A tone at 0 or the Nyquist frequency is one of the two alone.
  const isOne = Math.abs(determinant) < 1e-9 * samples.length ** 2;
  const a = isOne ? (ss > cc ? ys / ss : 0) : (ys * cc - yc * sc) / determinant;
  const b = isOne ? (ss > cc ? 0 : yc / cc) : (yc * ss - ys * sc) / determinant;
  let rest = 0;
  for (let i = 0; i < samples.length; i++) {
    const angle = angleAt(hz, rateHz, i);
    rest += (samples[i]! - a * Math.sin(angle) - b * Math.cos(angle)) ** 2;
  }
  const power = fullTone ** 2 / 2;
  return {
    gainDb: 10 * Math.log10((a * a + b * b) / fullTone ** 2),
    residualDb: 10 * Math.log10(rest / samples.length / power),
  };
}

/** All of `samples`, against a tone at the level of `makeTone`: for tones that must vanish. */
export function levelDb(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return 10 * Math.log10(sum / samples.length / (fullTone ** 2 / 2));
}

/** What `convertWhole` can use. */
export interface WholeConverter {
  readonly channels: number;
  push(interleaved: Float32Array, frames: number, fromFrame?: number): number;
  pull(into: Float32Array, frames: number, intoFrame?: number): number;
  end(): void;
}

/** Puts all of `input` through a new converter, `blockFrames` at a time. */
export function convertWhole(
  converter: WholeConverter,
  input: Float32Array,
  { ratio, blockFrames }: { ratio: number; blockFrames: number },
): Float32Array {
  const { channels } = converter;
  const frames = input.length / channels;
  const most = Math.ceil(frames * ratio) + 8;
  const output = new Float32Array(most * channels);
  let made = 0;
  for (let at = 0; at < frames; ) {
    at += converter.push(input, Math.min(blockFrames, frames - at), at);
    made += converter.pull(output, most - made, made);
  }
  converter.end();
  made += converter.pull(output, most - made, made);
  return output.subarray(0, made * channels);
}
