import {
  channelMatrix,
  deinterleave,
  interleave,
  mapChannels,
  type RateConverter,
  Resampler,
} from '../media/index.js';

interface PcmFormat {
  /** Frames per second. */
  readonly rate: number;
  readonly channels: number;
}

/**
 * From a client's rate and channels to the engine's, in the client's process. A run of N frames
 * gives round(N * outputRate / inputRate) frames; the next run begins anew. Equal formats pass bit
 * for bit.
 */
export class StreamConversion {
  private converter: RateConverter | null = null;
  private readonly matrix: readonly Float64Array[];
  /** Mixing down comes before the conversion of the rate, mixing up after it: less to convert. */
  private readonly mapsFirst: boolean;
  private readonly mapsChannels: boolean;
  private readonly convertsRate: boolean;

  constructor(
    private readonly from: PcmFormat,
    private readonly to: PcmFormat,
  ) {
    this.matrix = channelMatrix(from.channels, to.channels);
    this.mapsFirst = to.channels < from.channels;
    this.mapsChannels = to.channels !== from.channels;
    this.convertsRate = to.rate !== from.rate;
  }

  /** Converts interleaved frames; what comes of them so far, perhaps nothing. */
  push(samples: Float32Array): Float32Array {
    if (!this.mapsChannels && !this.convertsRate) return samples;
    const { from, to } = this;
    const planes = deinterleave(samples, from.channels);
    const mapped = this.mapsFirst ? mapChannels(planes, this.matrix) : planes;
    if (this.convertsRate) {
      this.converter ??= new Resampler({
        inputRate: from.rate,
        outputRate: to.rate,
        channels: Math.min(from.channels, to.channels),
      });
    }
    return this.finish(this.converter?.push(mapped) ?? mapped);
  }

  /** Ends the run: what the conversion still held. */
  end(): Float32Array {
    const rest = this.converter?.end();
    this.converter = null;
    return rest === undefined ? new Float32Array(0) : this.finish(rest);
  }

  /** Ends the run without its rest. */
  drop(): void {
    this.converter = null;
  }

  private finish(planes: readonly Float32Array[]): Float32Array {
    const mapped = this.mapsChannels && !this.mapsFirst ? mapChannels(planes, this.matrix) : planes;
    return interleave(mapped);
  }
}
