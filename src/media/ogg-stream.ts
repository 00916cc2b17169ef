import type { ByteSource } from './byte-source.js';
import { damaged, type MediaFormat, type Tags } from './codec.js';

/** One codec inside Ogg: takes packets, gives planes in WAVE order. */
export interface OggStream {
  readonly format: MediaFormat;
  readonly rate: number;
  readonly channels: number;
  /** Frames at the beginning that are not to be heard. */
  readonly preSkip: number;
  readonly tags: Tags;
  readonly errors: number;
  /** Takes the packet when it is a header; the first audio packet is refused with false. */
  header(packet: Uint8Array): Promise<boolean>;
  /** The planes of one audio packet; undefined when it is damaged; null when all else is lost. */
  decode(packet: Uint8Array): Promise<Float32Array[] | undefined | null>;
  free(): void;
}

/** Makes the stream whose first packet this is, or gives undefined when it is another codec's. */
export type BeginOggStream = (source: ByteSource, packet: Uint8Array) => OggStream | undefined;

/** The first audio of a stream needs all of its headers. */
export function headersMissing(source: ByteSource): Error {
  return damaged(source, 'an Ogg stream whose headers are incomplete');
}
