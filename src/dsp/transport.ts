/** 32-bit words of the transport in the arena: gain, target, step, and frames until the target. */
export const transportWords = 4;
/** Offsets of its words. */
export const transportWord = { gain: 0, target: 1, step: 2, left: 3 } as const;

const { gain: GAIN, target: TARGET, step: STEP, left: LEFT } = transportWord;

/**
 * How loud the whole is heard: 1 while it plays, 0 while it is stopped, and a straight line between
 * them. What is stopped goes on unheard, so that its time is the same for all. Lies in the arena.
 */
export class Transport {
  private readonly gains: Float32Array;
  private readonly f32: Float32Array;
  private readonly i32: Int32Array;
  /** Frames of this quantum that are in `gains` already. */
  private filled = 0;

  /** @param base word index of its words */
  constructor(
    buffer: ArrayBuffer,
    private readonly base: number,
    private readonly format: { quantum: number; channels: number },
  ) {
    this.f32 = new Float32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.gains = new Float32Array(format.quantum);
  }

  /** For a fresh arena. */
  prepare(): void {
    this.f32[this.base + GAIN] = 1;
    this.f32[this.base + TARGET] = 1;
    this.i32[this.base + LEFT] = 0;
    this.filled = 0;
  }

  /** From `frame` of the coming quantum on, goes to `target` in `frames`. For the audio thread. */
  fade(frame: number, target: number, frames: number): void {
    const { base, f32 } = this;
    this.fillTo(frame);
    f32[base + TARGET] = target;
    this.i32[base + LEFT] = frames;
    if (frames > 0) f32[base + STEP] = (target - f32[base + GAIN]!) / frames;
    else f32[base + GAIN] = target;
  }

  /** Makes a quantum as loud as it is to be heard. For the audio thread. */
  apply(output: Float32Array): void {
    const { base, f32, i32, gains } = this;
    const { quantum, channels } = this.format;
    const rests = i32[base + LEFT] === 0 && this.filled === 0;
    if (rests && f32[base + GAIN] === 1) return;
    this.fillTo(quantum);
    this.filled = 0;
    for (let frame = 0, at = 0; frame < quantum; frame++) {
      const gain = gains[frame]!;
      for (let c = 0; c < channels; c++, at++) output[at] = output[at]! * gain;
    }
  }

  private fillTo(frame: number): void {
    const { base, f32, i32, gains } = this;
    for (; this.filled < frame; this.filled++) {
      const left = i32[base + LEFT]!;
      if (left > 0) {
        i32[base + LEFT] = left - 1;
        // Counted back from the target, so that it is reached exactly.
        f32[base + GAIN] = f32[base + TARGET]! - f32[base + STEP]! * (left - 1);
      }
      gains[this.filled] = f32[base + GAIN]!;
    }
  }
}
