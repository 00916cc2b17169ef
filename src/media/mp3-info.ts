import type { FrameHeader } from './mp3-frames.js';

/** What the first frame says about the stream, when an encoder made it for that purpose. */
export interface StreamFacts {
  /** MPEG frames that follow; undefined when not said. */
  mpegFrames: number | undefined;
  /** Frames of sound that the encoder put before the first of the original. */
  delay: number | undefined;
  /** Frames of sound that it put behind the last. */
  padding: number | undefined;
}

/**
 * The Xing or Info header with the LAME extension, or the VBRI header of Fraunhofer's encoder, in
 * the frame `bytes`; undefined when it is an ordinary frame of sound.
 * After "MP3 Info Tag rev 1 specifications" by Gabriel Bouvigne.
 */
export function parseStreamFacts(bytes: Uint8Array, header: FrameHeader): StreamFacts | undefined {
  if (header.layer !== 3) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number) => (at + 4 <= bytes.length ? view.getUint32(at) : 0);
  const name = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));

  const vbri = 4 + 32;
  if (name(vbri) === 'VBRI') {
    return { mpegFrames: word(vbri + 14) || undefined, delay: undefined, padding: undefined };
  }

  const sideBytes = header.version === 1 ? [17, 32] : [9, 17];
  const start = 4 + sideBytes[header.channels - 1]!;
  // An encoder that protects its frames shifts the header by the checksum; most do not.
  const at = [start, start + 2].find((place) => name(place) === 'Xing' || name(place) === 'Info');
  if (at === undefined) return undefined;
  const flags = word(at + 4);
  let next = at + 8;
  const mpegFrames = (flags & 1) !== 0 ? word(next) : 0;
  if ((flags & 1) !== 0) next += 4;
  if ((flags & 2) !== 0) next += 4;
  if ((flags & 4) !== 0) next += 100;
  if ((flags & 8) !== 0) next += 4;
  const facts: StreamFacts = {
    mpegFrames: mpegFrames || undefined,
    delay: undefined,
    padding: undefined,
  };
  // The extension begins with the encoder's name; without one there is none.
  if (next + 24 <= bytes.length && /^[\w ]{4}$/.test(name(next))) {
    const packed = word(next + 21) >>> 8;
    facts.delay = packed >> 12;
    facts.padding = packed & 0xfff;
  }
  return facts;
}
