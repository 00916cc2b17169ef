import { type Device, deviceHealth } from '../device/device.js';
import { count, counterIndex } from '../memory/counters.js';
import { nobodyListened, outputHeader } from '../memory/layout.js';
import { outputAt } from '../memory/output-ring.js';
import type { Segment } from '../memory/segment.js';

/** Puts what a device captured into the rows of the output ring. On the audio thread. */
export class CapturedRow {
  private readonly captured: Float32Array;
  /** Captured frames that the device has lost, as counted so far. */
  private drops = 0;

  constructor(
    private readonly segment: Segment,
    private readonly generation: number,
  ) {
    this.captured = new Float32Array(segment.layout.captureSamples);
  }

  /**
   * Takes a quantum into the row of `position`.
   *
   * @param isDeaf the device only stands in for one that is away.
   */
  listen(device: Device, position: number, isDeaf: boolean): void {
    const { captured, segment } = this;
    if (captured.length === 0) return;
    const { words, samples, layout } = segment;
    const at = outputAt(segment, this.generation, position);
    Atomics.store(words, at + outputHeader.position, ~position);
    device.read(captured);
    words[at + outputHeader.captureDropFrames] = this.countDrops(device, isDeaf);
    words[at + outputHeader.loopFrames] = device.health[deviceHealth.loopFrames]!;
    const into = at + outputHeader.words + layout.quantumSamples;
    for (let i = 0; i < captured.length; i++) samples[into + i] = captured[i]!;
  }

  /**
   * What is captured while nothing is committed has no row, and is thrown away, so that what is
   * captured next comes no later than it was.
   */
  skip(device: Device, frames: number): void {
    const { captured } = this;
    const samples = frames * this.segment.layout.captureChannels;
    if (samples > 0) {
      device.read(samples === captured.length ? captured : captured.subarray(0, samples));
    }
  }

  /** Captured frames that the device has lost in all; `nobodyListened` when it listens no more. */
  private countDrops(device: Device, isDeaf: boolean): number {
    const { health } = device;
    if (isDeaf || health[deviceHealth.captureLost]! > 0) return nobodyListened;
    const drops = health[deviceHealth.captureDropFrames]! | 0;
    if (drops > this.drops) {
      count(this.segment, counterIndex.captureDropFrames, drops - this.drops);
      this.drops = drops;
    }
    return drops;
  }
}
