import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type AssetView, Renderer } from '../dsp/index.js';
import { wavHeader, wavHeaderBytes } from '../media/wav-format.js';

/** Quanta rendered between two looks at the event loop. */
const batchQuanta = 256;

export interface ComparisonOptions {
  program: Uint8Array;
  assets: readonly AssetView[];
  /** The recording. */
  path: string;
  /** Frames that it must hold at least. */
  frames: number;
  /** True when it must hold no more, and its header must say so. */
  whole: boolean;
  /** Quanta whose digest is wanted. */
  quanta: number;
}

export interface Comparison {
  /** First frame of the recording that differs, or that it lacks; null when all are the same. */
  firstDifference: number | null;
  /** Frames in the recording. */
  frames: number;
  /** The header is the one that offline rendering writes. */
  headerEqual: boolean;
  /** SHA-256 of the first `quanta` quanta as rendered here. */
  digest: string;
}

/**
 * Renders a patch offline and compares a recording of it byte for byte, a batch at a time, so that
 * an hour takes no more memory than a second.
 */
export async function compareWithOffline(options: ComparisonOptions): Promise<Comparison> {
  const { program, assets, path, quanta } = options;
  const renderer = new Renderer(program, { streams: [], assets });
  const { quantum, channels, rate, output } = renderer;
  const frameBytes = channels * 4;
  const quantumBytes = new Uint8Array(output.buffer, output.byteOffset, quantum * frameBytes);
  const recorded = new Uint8Array(quantum * frameBytes);
  const hash = createHash('sha256');
  const fd = openSync(path, 'r');
  try {
    const dataBytes = fstatSync(fd).size - wavHeaderBytes(channels);
    const frames = Math.max(0, Math.floor(dataBytes / frameBytes));
    const wanted = options.whole ? Math.max(options.frames, frames) : options.frames;
    const ticks = Math.max(Math.ceil(wanted / quantum), quanta);
    let firstDifference: number | null = null;
    for (let tick = 0; tick < ticks; tick++) {
      renderer.render();
      if (tick < quanta) hash.update(quantumBytes);
      const first = tick * quantum;
      const bytes = Math.min(quantum, wanted - first) * frameBytes;
      if (bytes > 0 && firstDifference === null) {
        const at = wavHeaderBytes(channels) + first * frameBytes;
        const there = readSync(fd, recorded, 0, bytes, at);
        const same = equalBytes(recorded, quantumBytes, Math.min(there, bytes));
        if (same < bytes) firstDifference = first + Math.floor(same / frameBytes);
      }
      if (tick % batchQuanta === 0) await nextTurn();
    }
    const header = Buffer.alloc(wavHeaderBytes(channels));
    readSync(fd, header, 0, header.length, 0);
    const headerEqual = header.equals(wavHeader({ rate, channels }, dataBytes));
    if (options.whole && frames > options.frames) firstDifference ??= options.frames;
    return { firstDifference, frames, headerEqual, digest: hash.digest('hex') };
  } finally {
    closeSync(fd);
  }
}

/** How many of the first `length` bytes are the same, up to the first that is not. */
function equalBytes(a: Uint8Array, b: Uint8Array, length: number): number {
  if (Buffer.compare(a.subarray(0, length), b.subarray(0, length)) === 0) return length;
  let at = 0;
  while (a[at] === b[at]) at++;
  return at;
}
