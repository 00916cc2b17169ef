/** Sound files: decoding, conversion of rate and channels, and recording. */
export {
  channelMatrix,
  deinterleave,
  interleave,
  mapChannels,
} from './conversion.js';
export { type Decoder, type MediaFormat, openDecoder, type Tags } from './decoder.js';
export {
  type DecodedAudio,
  decodeWhole,
  openPcm,
  type PcmFormat,
  type PcmSource,
} from './pcm-source.js';
export { type RateConverter, Resampler, type ResamplerOptions } from './resampler.js';
export type { WavFormat } from './wav-format.js';
export { WavWriter, type WavWriterOptions } from './wav-writer.js';
