import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import type { ByteSource } from './byte-source.js';

export type MediaFormat = 'wav' | 'flac' | 'mp3' | 'vorbis' | 'opus';

/** What a file says about itself, where it says so. */
export interface Tags {
  title?: string;
  artist?: string;
  album?: string;
}

/** What each format's file offers to `decoder.ts`; one block after another, planar, WAVE order. */
export interface Codec {
  readonly format: MediaFormat;
  readonly rate: number;
  readonly channels: number;
  readonly frames: number | undefined;
  readonly tags: Tags;
  readonly errors: number;
  /** The next block, perhaps of no frames, or null at the end. */
  decode(): Promise<Float32Array[] | null>;
  /** Gives back the decoder's memory. May be called again. */
  free(): void;
}

/** Opens a codec on a source that stands at the start of the file. */
export type OpenCodec = (source: ByteSource) => Promise<Codec>;

/** A file of ours that cannot be played; `what` completes "FILE: ". */
export function damaged(source: ByteSource, what: string, cause?: unknown): TenutoError {
  return new TenutoError('TENUTO_MEDIA_DAMAGED', `${source.path}: ${what}`, { cause });
}

/** A file that is none of ours. */
export function unknown(source: ByteSource, what: string): TenutoError {
  return new TenutoError('TENUTO_MEDIA_UNKNOWN', `${source.path}: ${what}`);
}

/** Refuses a format outside of what can be played, before anything is made for it. */
export function checkStated(source: ByteSource, rate: number, channels: number): void {
  if (channels === 0) throw damaged(source, 'it states no channels');
  if (channels > limits.channelsMax) {
    const most = `at most ${limits.channelsMax} can be played`;
    throw new TenutoError('TENUTO_MEDIA_LIMIT', `${source.path}: ${channels} channels, ${most}`);
  }
  if (!(rate >= limits.mediaRateHzMin && rate <= limits.mediaRateHzMax)) {
    throw damaged(source, `it states a rate of ${rate} Hz`);
  }
}

/** Text of at most 1,000 characters, without what would disturb a terminal. */
export function tagText(bytes: Uint8Array, encoding: 'utf-8' | 'utf-16' | 'latin1'): string {
  const text = new TextDecoder(encoding).decode(bytes.subarray(0, 4000));
  return text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 1000);
}
