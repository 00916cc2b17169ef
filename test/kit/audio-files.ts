import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The Debian package that holds each encoder the tests need. */
const packages = {
  flac: 'flac',
  lame: 'lame',
  oggenc: 'vorbis-tools',
  opusenc: 'opus-tools',
  sox: 'sox',
} as const;

export type Encoder = keyof typeof packages;

/** Runs an encoder and gives what it prints; says which packages to install when it is not there. */
export async function encode(encoder: Encoder, args: readonly string[]): Promise<string> {
  try {
    return (await run(encoder, [...args])).stdout;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    const install = `apt-get install -y ${Object.values(packages).join(' ')}`;
    throw new Error(`the tests need ${encoder}; install it with: ${install}`, { cause });
  }
}

/** A folder for one test file, with its removal. */
export async function audioFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'tenuto-audio-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/**
 * A signal that differs in each channel and at each moment, so that a swap, a shift or a gap shows:
 * a slow sweep, a tone of the channel's own and a soft noise from a fixed seed; peak below 0.7.
 * Values are multiples of 2^-(bits - 1), so that integer formats hold them exactly.
 */
export function testSignal(options: {
  frames: number;
  channels: number;
  rate: number;
  bits?: number;
}): Float32Array[] {
  const { frames, channels, rate, bits = 16 } = options;
  const steps = 2 ** (bits - 1);
  return Array.from({ length: channels }, (_, channel) => {
    let seed = 12_345 + channel;
    const plane = new Float32Array(frames);
    for (let i = 0; i < frames; i++) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
      const sec = i / rate;
      const sweep = Math.sin(2 * Math.PI * (100 + channel * 30 + 200 * sec) * sec);
      const tone = Math.sin(2 * Math.PI * (300 + 170 * channel) * sec);
      const value = 0.35 * sweep + 0.3 * tone + 0.02 * (seed / 2 ** 31);
      // No integer format holds a negative zero.
      plane[i] = Math.round(value * steps) / steps + 0;
    }
    return plane;
  });
}

/** A WAV file as any program would write it: 16 or 24 bit integers or 32 bit float. */
export async function writePlainWav(
  path: string,
  planes: readonly Float32Array[],
  options: { rate: number; bits: 16 | 24 | 32 },
): Promise<void> {
  const { rate, bits } = options;
  const channels = planes.length;
  const frames = planes[0]?.length ?? 0;
  const frameBytes = (channels * bits) / 8;
  const file = Buffer.alloc(44 + frames * frameBytes);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(bits === 32 ? 3 : 1, 20);
  file.writeUInt16LE(channels, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(rate * frameBytes, 28);
  file.writeUInt16LE(frameBytes, 32);
  file.writeUInt16LE(bits, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(frames * frameBytes, 40);
  let at = 44;
  for (let i = 0; i < frames; i++) {
    for (const plane of planes) {
      if (bits === 32) file.writeFloatLE(plane[i]!, at);
      else file.writeIntLE(Math.round(plane[i]! * 2 ** (bits - 1)), at, bits / 8);
      at += bits / 8;
    }
  }
  await writeFile(path, file);
}

/** How much of `actual` is `expected`, in decibels: 10 log10(signal / difference). */
export function signalToNoiseDb(expected: Float32Array, actual: Float32Array): number {
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < expected.length; i++) {
    signal += expected[i]! ** 2;
    noise += (expected[i]! - (actual[i] ?? 0)) ** 2;
  }
  return 10 * Math.log10(signal / Math.max(noise, 1e-30));
}

/** The shift in frames, within `range`, at which `actual` matches `expected` best; 0 is in place. */
export function bestShift(expected: Float32Array, actual: Float32Array, range: number): number {
  const from = range;
  const to = Math.min(expected.length, actual.length) - range;
  let best = 0;
  let bestSum = Number.NEGATIVE_INFINITY;
  for (let shift = -range; shift <= range; shift++) {
    let sum = 0;
    for (let i = from; i < to; i++) sum += expected[i]! * actual[i + shift]!;
    if (sum > bestSum) [best, bestSum] = [shift, sum];
  }
  return best;
}

/** Joins blocks of planes end to end. */
export function joinBlocks(blocks: readonly Float32Array[][], channels: number): Float32Array[] {
  return Array.from({ length: channels }, (_, channel) => {
    const frames = blocks.reduce((sum, block) => sum + block[channel]!.length, 0);
    const plane = new Float32Array(frames);
    let at = 0;
    for (const block of blocks) {
      plane.set(block[channel]!, at);
      at += block[channel]!.length;
    }
    return plane;
  });
}
