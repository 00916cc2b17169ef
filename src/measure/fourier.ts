import load, { type PffftModule } from '@echogarden/pffft-wasm/simd';
import { assert } from '../errors.js';

/** Plans that are kept: the lengths of a few signals, forward and backward. */
const plansMax = 8;

let loading: Promise<Fourier> | null = null;

/** One length and kind of transform, with its place in the module's memory. */
interface Plan {
  readonly setup: number;
  readonly data: number;
  readonly work: number;
  readonly floats: number;
}

/**
 * Fourier transforms by PFFFT, single precision. Loaded once for a process; plans are kept by length,
 * so that a thousand measurements of one kind take no more memory than the first. Not for the audio
 * thread.
 */
export class Fourier {
  private readonly plans = new Map<string, Plan>();

  private constructor(private readonly module: PffftModule) {}

  /** The transforms of this process, once the module is there: their memory is never given back. */
  static load(): Promise<Fourier> {
    loading ??= load().then((module) => new Fourier(module));
    return loading;
  }

  /** The least length of at least so many frames that can be transformed quickly. */
  static lengthFor(frames: number): number {
    let best = 2 ** Math.ceil(Math.log2(Math.max(64, frames)));
    for (const odd of [3, 5, 9, 15]) {
      const length = odd * 2 ** Math.max(5, Math.ceil(Math.log2(frames / odd)));
      if (length >= frames && length < best) best = length;
    }
    return best;
  }

  /**
   * The spectrum of real samples, zeros behind them up to `length`: interleaved complex values of
   * bins 0 to length/2 - 1. The second value of bin 0 is that of the Nyquist frequency. Not scaled.
   */
  forward(samples: ArrayLike<number>, length: number): Float32Array {
    assert(samples.length <= length, 'the transform holds all samples');
    const { setup, data, work } = this.plan(length, false);
    const view = this.view(data, length);
    view.set(samples);
    view.fill(0, samples.length);
    this.module._pffft_transform_ordered(setup, data, data, work, 0);
    return this.view(data, length).slice();
  }

  /** The real samples of a spectrum as `forward` gives it, scaled so that it gives the same back. */
  backward(spectrum: Float32Array): Float32Array {
    const length = spectrum.length;
    const { setup, data, work } = this.plan(length, false);
    this.view(data, length).set(spectrum);
    this.module._pffft_transform_ordered(setup, data, data, work, 1);
    return this.view(data, length).map((value) => value / length);
  }

  /**
   * Complex values in time of a complex spectrum (interleaved, `length` bins), not scaled. `fill` writes
   * the bins, which are zero before. What is returned is valid until the next call.
   */
  backwardComplex(length: number, fill: (bins: Float32Array) => void): Float32Array {
    const { setup, data, work } = this.plan(length, true);
    const view = this.view(data, 2 * length);
    view.fill(0);
    fill(view);
    this.module._pffft_transform_ordered(setup, data, data, work, 1);
    return this.view(data, 2 * length);
  }

  private view(address: number, floats: number): Float32Array {
    return this.module.HEAPF32.subarray(address / 4, address / 4 + floats);
  }

  private plan(length: number, complex: boolean): Plan {
    const key = `${length}${complex ? 'c' : 'r'}`;
    const found = this.plans.get(key);
    if (found !== undefined) {
      this.plans.delete(key);
      this.plans.set(key, found);
      return found;
    }
    const { module } = this;
    const setup = module._pffft_new_setup(length, complex ? 1 : 0);
    assert(setup !== 0, `a transform of ${length} frames is possible`);
    const floats = complex ? 2 * length : length;
    const data = module._pffft_aligned_malloc(4 * floats);
    const work = module._pffft_aligned_malloc(4 * floats);
    assert(data !== 0 && work !== 0, 'the transforms have memory');
    if (this.plans.size >= plansMax) this.forget(this.plans.keys().next().value!);
    const made = { setup, data, work, floats };
    this.plans.set(key, made);
    return made;
  }

  private forget(key: string): void {
    const { setup, data, work } = this.plans.get(key)!;
    this.plans.delete(key);
    this.module._pffft_aligned_free(data);
    this.module._pffft_aligned_free(work);
    this.module._pffft_destroy_setup(setup);
  }
}
