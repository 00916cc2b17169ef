import { assert } from '../errors.js';
import { limits } from '../limits.js';

/**
 * One client stream: a segment of its own, so that a faulty client can damage only its own sound.
 * Interleaved float32 frames in a ring at the engine's rate and channels; the client writes frames
 * and then the count of frames ever written. What it wrote counts once the driver has sealed the
 * count into a tick's record.
 */
export interface StreamSegment {
  readonly words: Int32Array;
  readonly samples: Float32Array;
  readonly channels: number;
  /** Frames that the ring holds. */
  readonly frames: number;
}

/** Word offsets of a stream's header. */
export const streamHeader = {
  /** Frames ever written (wraps). */
  written: 0,
  /** 1 once the client has written all it will. */
  complete: 1,
  /** Samples begin here. */
  words: 1024,
} as const;

assert((limits.streamFrames & (limits.streamFrames - 1)) === 0, 'a power of two');

export function streamBytes(channels: number): number {
  return (streamHeader.words + limits.streamFrames * channels) * 4;
}

export function openStreamSegment(buffer: ArrayBufferLike, channels: number): StreamSegment {
  return {
    words: new Int32Array(buffer, 0, streamHeader.words),
    samples: new Float32Array(buffer, streamHeader.words * 4, limits.streamFrames * channels),
    channels,
    frames: limits.streamFrames,
  };
}

/**
 * Frames that may be written now. A part of the ring is kept behind the play position, because a
 * replica that joins from a snapshot plays it again.
 *
 * @param cursor frames played, from the last sealed record.
 * @param keptFrames frames that a joining replica may ask for again.
 */
export function streamSpace(stream: StreamSegment, cursor: number, keptFrames: number): number {
  const written = Atomics.load(stream.words, streamHeader.written);
  return Math.max(0, stream.frames - keptFrames - ((written - cursor) | 0));
}

/** Copies interleaved frames into the ring and publishes them; all of them must fit. */
export function writeStream(stream: StreamSegment, samples: Float32Array): void {
  const { channels, frames } = stream;
  const written = Atomics.load(stream.words, streamHeader.written);
  const count = samples.length / channels;
  const at = written & (frames - 1);
  const first = Math.min(count, frames - at);
  stream.samples.set(samples.subarray(0, first * channels), at * channels);
  stream.samples.set(samples.subarray(first * channels), 0);
  Atomics.store(stream.words, streamHeader.written, (written + count) | 0);
}
