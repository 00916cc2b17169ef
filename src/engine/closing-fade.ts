const fadeQuanta = 8;

/** The fade with which a stream ends that is told to: a raised cosine. On the audio thread. */
export class ClosingFade {
  private left = fadeQuanta;

  constructor(
    private readonly quantum: number,
    private readonly channels: number,
  ) {}

  get isOver(): boolean {
    return this.left === 0;
  }

  /** Fades the next quantum. */
  apply(samples: Float32Array): void {
    const { quantum, channels } = this;
    const total = quantum * fadeQuanta;
    const from = quantum * (fadeQuanta - this.left);
    for (let i = 0; i < quantum; i++) {
      const gain = 0.5 + 0.5 * Math.cos((Math.PI * (from + i + 1)) / total);
      for (let c = 0; c < channels; c++) samples[i * channels + c]! *= gain;
    }
    this.left--;
  }
}
