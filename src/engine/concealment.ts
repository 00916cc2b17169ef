/**
 * What the device gets while the content waits: from the last frame down to zero, then silence,
 * and before the content goes on a rise to its first frame; so nothing steps. Raised cosines.
 * Allocation-free; on the audio thread.
 */
export class Concealment {
  private readonly last: Float32Array;
  private readonly window: Float32Array;
  private silent = true;

  constructor(
    private readonly quantum: number,
    private readonly channels: number,
  ) {
    this.last = new Float32Array(channels);
    this.window = Float32Array.from(
      { length: quantum },
      (_, i) => 0.5 + 0.5 * Math.cos((Math.PI * (i + 1)) / quantum),
    );
  }

  /** Remembers where content ended. */
  follow(samples: Float32Array): void {
    const from = (this.quantum - 1) * this.channels;
    for (let c = 0; c < this.channels; c++) this.last[c] = samples[from + c]!;
    this.silent = false;
  }

  /** One quantum of filler. */
  fill(into: Float32Array): void {
    const { last, window, channels, quantum } = this;
    for (let i = 0; i < quantum; i++) {
      const gain = this.silent ? 0 : window[i]!;
      for (let c = 0; c < channels; c++) into[i * channels + c] = last[c]! * gain;
    }
    this.silent = true;
  }

  /** One quantum that rises to the first frame of the content that follows. */
  approach(content: Float32Array, into: Float32Array): void {
    const { window, channels, quantum } = this;
    for (let c = 0; c < channels; c++) this.last[c] = content[c]!;
    for (let i = 0; i < quantum; i++) {
      const gain = window[quantum - 1 - i]!;
      for (let c = 0; c < channels; c++) into[i * channels + c] = this.last[c]! * gain;
    }
  }
}
