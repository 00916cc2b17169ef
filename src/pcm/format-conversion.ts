import { BlockConverter } from './block-converter.js';
import { ChannelMap } from './channels.js';
import { Converter } from './converter.js';
import type { Quality } from './filter-design.js';

/** Rate and channels of interleaved frames. */
export interface PcmFormat {
  /** Frames per second. */
  readonly rate: number;
  /** 1 to 8. */
  readonly channels: number;
}

/** How frames are converted. */
export interface ConversionOptions {
  /** Default: `music`. */
  quality?: Exclude<Quality, 'draft'>;
  /**
   * How long a frame may wait for others to be converted with (default: 0, only for its half of the
   * filter). 20 ms is twice as fast, and a file, where nobody waits, can have Infinity.
   */
  waitMs?: number;
}

/** Frames that the converter takes at a time. */
const maxInputFrames = 4096;

/**
 * Converts interleaved blocks of any length to another rate and other channels. A run of N frames
 * gives round(N * outputRate / inputRate) frames, the next run begins anew, and equal formats pass
 * bit for bit. Allocates; not for the audio thread.
 */
export class FormatConversion {
  /** Mixing down comes before the conversion of the rate, mixing up after it: less to convert. */
  readonly #mapBefore: ChannelMap | undefined;
  readonly #mapAfter: ChannelMap | undefined;
  readonly #make: (() => Converter | BlockConverter) | undefined;
  #converter: Converter | BlockConverter | undefined;
  readonly #ratio: number;

  constructor(from: PcmFormat, to: PcmFormat, options: ConversionOptions = {}) {
    const channels = Math.min(from.channels, to.channels);
    this.#ratio = to.rate / from.rate;
    if (from.channels > channels) {
      this.#mapBefore = new ChannelMap({ inputs: from.channels, outputs: channels });
    }
    if (to.channels > channels) {
      this.#mapAfter = new ChannelMap({ inputs: channels, outputs: to.channels });
    }
    if (to.rate === from.rate) return;
    const { quality = 'music', waitMs = 0 } = options;
    const format = { inputRate: from.rate, outputRate: to.rate, channels, quality };
    const byBlocks = { ...format, waitFramesMax: (from.rate * waitMs) / 1000 };
    this.#make =
      waitMs > 0 && BlockConverter.supports(byBlocks)
        ? () => new BlockConverter(byBlocks)
        : () => new Converter({ ...format, maxInputFrames });
    this.#converter = this.#make();
  }

  /** What comes of a block so far, perhaps nothing; the block itself when nothing is to be done. */
  push(block: Float32Array): Float32Array {
    const frames = mapped(this.#mapBefore, block);
    const converter = this.#converter;
    if (!converter) return mapped(this.#mapAfter, frames);
    const total = frames.length / converter.channels;
    const output = this.#room(total);
    const most = output.length / converter.channels;
    let made = 0;
    for (let taken = 0; taken < total; ) {
      taken += converter.push(frames, total - taken, taken);
      made += converter.pull(output, most - made, made);
    }
    return this.#finish(output, made);
  }

  /** Ends the run: what the conversion still held. */
  end(): Float32Array {
    const converter = this.#converter;
    if (!converter) return new Float32Array(0);
    converter.end();
    const output = this.#room(0);
    const made = converter.pull(output, output.length / converter.channels);
    const frames = this.#finish(output, made);
    this.drop();
    return frames;
  }

  /** Ends the run without its rest. */
  drop(): void {
    this.#converter = this.#make?.();
  }

  /** Room for what may come of so many frames more; a few are for rounding. */
  #room(frames: number): Float32Array {
    const { channels, bufferedFrames } = this.#converter!;
    return new Float32Array((Math.ceil((frames + bufferedFrames) * this.#ratio) + 8) * channels);
  }

  #finish(output: Float32Array, frames: number): Float32Array {
    return mapped(this.#mapAfter, output.slice(0, frames * this.#converter!.channels));
  }
}

function mapped(map: ChannelMap | undefined, frames: Float32Array): Float32Array {
  if (!map) return frames;
  const count = frames.length / map.inputs;
  const output = new Float32Array(count * map.outputs);
  map.map(frames, output, count);
  return output;
}
