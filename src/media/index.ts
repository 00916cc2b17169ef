/** Sound files: decoding, at any rate and with any channels, and recording. */
export { type Decoder, type MediaFormat, openDecoder, type Tags } from './decoder.js';
export {
  type DecodedAudio,
  decodeWhole,
  openPcm,
  type PcmSource,
} from './pcm-source.js';
export { type WavFormat, type WavSamples, wavHeader } from './wav-format.js';
export { WavWriter, type WavWriterOptions } from './wav-writer.js';
