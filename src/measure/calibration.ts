import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import type { ChirpParameters } from './chirp.js';
import type { Latency } from './latency.js';
import type { StreamIdentity } from './persistent-stream.js';

const finite = z.number().min(-1e12).max(1e12);
const whole = z
  .number()
  .int()
  .min(0)
  .max(2 ** 32);

const streamSchema = z.strictObject({
  engine: z.string().max(32),
  keeperPid: whole,
  generation: whole,
  device: z.string().max(limits.deviceNameCharsMax),
  rateHz: whole,
  quantumFrames: whole,
});

const chirpSchema = z.strictObject({
  kind: z.enum(['linear', 'exponential']),
  startHz: finite,
  endHz: finite,
  durationMs: finite,
  amplitude: finite,
  rateHz: whole,
});

const calibrationSchema = z.strictObject({
  v: z.literal(1),
  savedAt: z.string().max(40),
  stream: streamSchema,
  rateErrorPpm: finite.nullable(),
  /** Where the direct sound arrives, in frames after it was given. */
  latency: z.strictObject({ frames: finite, madFrames: finite, runs: whole }),
  /** What is heard without a target. */
  clutter: z
    .strictObject({
      chirp: chirpSchema,
      takes: whole,
      /** float32, little-endian, in base64. */
      samples: z.string().max(limits.measureFileBytesMax),
    })
    .nullable(),
});

type Stored = z.output<typeof calibrationSchema>;

/** What was found out about one stream, and holds for it alone. */
export interface Calibration {
  savedAt: string;
  stream: StreamIdentity;
  /** Null when nobody knew it yet; then nothing is compared with it. */
  rateErrorPpm: number | null;
  latency: Stored['latency'];
  clutter: { chirp: ChirpParameters; takes: number; samples: Float32Array } | null;
}

/** How far the device's clock may have changed before a calibration is another device's. */
const rateTolerancePpm = 50;

/** Where calibrations are kept when no file is named. */
export function calibrationFile(named: string): string {
  if (named !== '') return named;
  const folder = process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state');
  return join(folder, 'tenuto', 'calibration.json');
}

/** The calibration that a latency is. */
export function calibrationOf(latency: Latency, savedAt: string): Calibration {
  const { stream, rateErrorPpm, frames, madFrames, runs } = latency;
  const measured = { frames, madFrames, runs: runs.length };
  return { savedAt, stream, rateErrorPpm, latency: measured, clutter: null };
}

/**
 * Writes a calibration over the last one: whole or not at all.
 *
 * @throws TenutoError `TENUTO_RECORD_FAILED`
 */
export function saveCalibration(file: string, calibration: Calibration): void {
  const { clutter, ...rest } = calibration;
  const samples = clutter?.samples;
  const stored: Stored = {
    v: 1,
    ...rest,
    clutter: clutter && {
      ...clutter,
      chirp: chirpOf(clutter.chirp),
      samples: Buffer.from(samples!.buffer, samples!.byteOffset, samples!.byteLength).toString(
        'base64',
      ),
    },
  };
  try {
    mkdirSync(dirname(file), { recursive: true });
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, `${JSON.stringify(stored)}\n`, { mode: 0o600 });
    renameSync(fresh, file);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code;
    const text = `the calibration ${file} cannot be written (${reason})`;
    throw new TenutoError('TENUTO_RECORD_FAILED', text, { cause });
  }
}

function chirpOf(chirp: ChirpParameters) {
  const { kind, startHz, endHz, durationMs, amplitude, rateHz } = chirp;
  return { kind, startHz, endHz, durationMs, amplitude, rateHz };
}

/**
 * Reads a calibration. A file is believed nothing that it should not say.
 *
 * @throws TenutoError `TENUTO_CALIBRATION_MISSING`, `TENUTO_CALIBRATION_INVALID`
 */
export function loadCalibration(file: string): Calibration {
  let text: string;
  try {
    const status = statSync(file);
    if (!status.isFile()) throw invalid(file, 'it is no file');
    if (status.size > limits.measureFileBytesMax) throw invalid(file, 'it is too large');
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof TenutoError) throw cause;
    const reason = (cause as NodeJS.ErrnoException).code;
    const message = `there is no calibration at ${file} (${reason})`;
    throw new TenutoError('TENUTO_CALIBRATION_MISSING', message, { cause });
  }
  const parsed = calibrationSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(file, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is none'}`);
  }
  const { v: _, clutter, ...rest } = parsed.data;
  return { ...rest, clutter: clutter && { ...clutter, samples: decode(file, clutter.samples) } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function decode(file: string, base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0 || bytes.length % 4 !== 0)
    throw invalid(file, 'its samples are no floats');
  const samples = new Float32Array(bytes.length / 4);
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readFloatLE(4 * i);
  if (!samples.every((sample) => Math.abs(sample) <= 16))
    throw invalid(file, 'its samples are no sound');
  return samples;
}

function invalid(file: string, what: string): TenutoError {
  return new TenutoError('TENUTO_CALIBRATION_INVALID', `${file} is no calibration: ${what}`);
}

/** What a stream is now, as a calibration has to fit it. */
export interface StreamNow {
  stream: StreamIdentity;
  rateErrorPpm: number | null;
}

/**
 * Why a calibration does not hold for a stream; null when it does. It holds for the very stream that
 * it was made on: each opening of a device draws its latency anew.
 */
export function calibrationFault(calibration: Calibration, now: StreamNow): string | null {
  const { stream: before } = calibration;
  const { stream } = now;
  if (before.device !== stream.device) {
    return `it is of the device ${before.device}, this is ${stream.device}`;
  }
  if (before.rateHz !== stream.rateHz) {
    return `it was made at ${before.rateHz} Hz, this stream has ${stream.rateHz} Hz`;
  }
  if (before.quantumFrames !== stream.quantumFrames) {
    return `it was made with quanta of ${before.quantumFrames} frames, not ${stream.quantumFrames}`;
  }
  if (before.engine !== stream.engine || before.keeperPid !== stream.keeperPid) {
    return `it is of another start of an engine (${before.engine}, process ${before.keeperPid})`;
  }
  if (before.generation !== stream.generation) {
    return `it is of generation ${before.generation} of the stream, this is generation ${stream.generation}`;
  }
  if (now.rateErrorPpm === null || calibration.rateErrorPpm === null) return null;
  const ppm = now.rateErrorPpm - calibration.rateErrorPpm;
  if (Math.abs(ppm) > rateTolerancePpm) {
    return `the device's clock runs ${ppm.toFixed(0)} ppm faster than when it was made`;
  }
  return null;
}

/** @throws TenutoError `TENUTO_CALIBRATION_STALE` when a calibration does not hold for a stream */
export function demandCalibration(calibration: Calibration, now: StreamNow): void {
  const fault = calibrationFault(calibration, now);
  if (fault !== null)
    throw new TenutoError('TENUTO_CALIBRATION_STALE', `the calibration is refused: ${fault}`);
}
