import { assert } from '../errors.js';

/** Places of loudspeakers, named as in WAVE files (ITU-R BS.2051 for the angles). */
type Speaker = 'FL' | 'FR' | 'FC' | 'LFE' | 'BL' | 'BR' | 'BC' | 'SL' | 'SR';

/** The layout that a number of channels means; the order of WAVE and FLAC. Index 0 is not used. */
const layouts: readonly (readonly Speaker[])[] = [
  [],
  ['FC'],
  ['FL', 'FR'],
  ['FL', 'FR', 'FC'],
  ['FL', 'FR', 'BL', 'BR'],
  ['FL', 'FR', 'FC', 'BL', 'BR'],
  ['FL', 'FR', 'FC', 'LFE', 'BL', 'BR'],
  ['FL', 'FR', 'FC', 'LFE', 'BC', 'SL', 'SR'],
  ['FL', 'FR', 'FC', 'LFE', 'BL', 'BR', 'SL', 'SR'],
];

/** Half of the power: -3 dB, the coefficient of ITU-R BS.775-3, annex 4. */
const half = Math.SQRT1_2;

/**
 * Where the sound of a loudspeaker goes that the other layout lacks: the first line all of whose
 * places exist. The low frequency channel is left out, as BS.775 has it.
 */
const substitutes: Record<Speaker, readonly (readonly [Speaker, number][])[]> = {
  FL: [[['FC', half]]],
  FR: [[['FC', half]]],
  FC: [
    [
      ['FL', half],
      ['FR', half],
    ],
  ],
  LFE: [],
  BL: [[['SL', 1]], [['BC', half]], [['FL', half]]],
  BR: [[['SR', 1]], [['BC', half]], [['FR', half]]],
  SL: [[['BL', 1]], [['FL', half]]],
  SR: [[['BR', 1]], [['FR', half]]],
  BC: [
    [
      ['BL', half],
      ['BR', half],
    ],
    [
      ['SL', half],
      ['SR', half],
    ],
    [
      ['FL', 0.5],
      ['FR', 0.5],
    ],
  ],
};

/**
 * The gain from each input channel to each output channel, as `matrix[output][input]`; 1 to 8 both.
 *
 * Mono goes to left and right at full level, and what has left and right goes to mono as half the
 * sum of its stereo, so that mono survives the way there and back. More channels fold with the
 * coefficients of ITU-R BS.775-3, which are not scaled down: loud surround can exceed full scale.
 */
export function channelMatrix(inputs: number, outputs: number): Float64Array[] {
  const from = layouts[inputs];
  const to = layouts[outputs];
  assert(from !== undefined && from.length > 0, 'the input has 1 to 8 channels');
  assert(to !== undefined && to.length > 0, 'the output has 1 to 8 channels');
  if (inputs === outputs) return identity(inputs);
  if (inputs === 1) {
    return to.map((place) => Float64Array.of(place === 'FL' || place === 'FR' ? 1 : 0));
  }
  if (outputs === 1) {
    const [left, right] = inputs === 2 ? identity(2) : channelMatrix(inputs, 2);
    return [left!.map((gain, i) => (gain + right![i]!) / 2)];
  }
  const matrix = to.map(() => new Float64Array(inputs));
  for (const [input, speaker] of from.entries()) {
    for (const [place, gain] of destinations(speaker, to)) {
      matrix[to.indexOf(place)]![input]! += gain;
    }
  }
  return matrix;
}

function destinations(speaker: Speaker, to: readonly Speaker[]): readonly [Speaker, number][] {
  if (to.includes(speaker)) return [[speaker, 1]];
  const possible = substitutes[speaker].find((line) => line.every(([place]) => to.includes(place)));
  return possible ?? [];
}

function identity(channels: number): Float64Array[] {
  return Array.from({ length: channels }, (_, i) =>
    Float64Array.from({ length: channels }, (_, j) => (i === j ? 1 : 0)),
  );
}

/**
 * Puts planes through a matrix of `channelMatrix`. A plane that goes through unchanged is given
 * on as it is, not copied.
 */
export function mapChannels(
  planes: readonly Float32Array[],
  matrix: readonly Float64Array[],
): Float32Array[] {
  const frames = planes[0]?.length ?? 0;
  return matrix.map((gains) => {
    const used = [...gains.keys()].filter((input) => gains[input] !== 0);
    const only = used.length === 1 ? used[0]! : -1;
    if (only >= 0 && gains[only] === 1) return planes[only]!;
    const mixed = new Float64Array(frames);
    for (const input of used) {
      const plane = planes[input]!;
      const gain = gains[input]!;
      for (let i = 0; i < frames; i++) mixed[i]! += gain * plane[i]!;
    }
    return Float32Array.from(mixed);
  });
}

/**
 * Puts interleaved frames through the matrix of `channelMatrix`. `map` may be called on the audio
 * thread.
 */
export class ChannelMap {
  readonly inputs: number;
  readonly outputs: number;
  /** Gain from input j to output i at i * inputs + j. */
  readonly #gains: Float64Array;
  readonly #isIdentity: boolean;

  /** @param options numbers of channels, 1 to 8 both */
  constructor({ inputs, outputs }: { inputs: number; outputs: number }) {
    const matrix = channelMatrix(inputs, outputs);
    this.inputs = inputs;
    this.outputs = outputs;
    this.#isIdentity = inputs === outputs;
    this.#gains = new Float64Array(inputs * outputs);
    for (const [i, row] of matrix.entries()) this.#gains.set(row, i * inputs);
  }

  /** Maps `frames` frames; the arrays must not overlap. */
  map(from: Float32Array, into: Float32Array, frames: number, fromFrame = 0, intoFrame = 0): void {
    const { inputs, outputs } = this;
    const gains = this.#gains;
    let source = fromFrame * inputs;
    let place = intoFrame * outputs;
    if (this.#isIdentity) {
      for (const end = place + frames * outputs; place < end; place++, source++) {
        into[place] = from[source]!;
      }
      return;
    }
    for (let frame = 0; frame < frames; frame++) {
      let gain = 0;
      for (let output = 0; output < outputs; output++) {
        let sum = 0;
        for (let input = 0; input < inputs; input++) sum += gains[gain++]! * from[source + input]!;
        into[place++] = sum;
      }
      source += inputs;
    }
  }
}

/** One array of frames from planes of equal length. */
export function interleave(planes: readonly Float32Array[]): Float32Array {
  const channels = planes.length;
  const frames = planes[0]?.length ?? 0;
  const interleaved = new Float32Array(frames * channels);
  for (let channel = 0; channel < channels; channel++) {
    const plane = planes[channel]!;
    for (let i = 0, at = channel; i < frames; i++, at += channels) interleaved[at] = plane[i]!;
  }
  return interleaved;
}

/** Planes from frames. */
export function deinterleave(interleaved: Float32Array, channels: number): Float32Array[] {
  const frames = interleaved.length / channels;
  assert(Number.isInteger(frames), 'the frames are whole');
  return Array.from({ length: channels }, (_, channel) => {
    const plane = new Float32Array(frames);
    for (let i = 0, at = channel; i < frames; i++, at += channels) plane[i] = interleaved[at]!;
    return plane;
  });
}
