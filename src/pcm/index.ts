/** Samples on their way in and out: formats, channels, rates. Nothing here knows a device. */
export { BlockConversion, type PcmFormat } from './block-conversion.js';
export {
  ChannelMap,
  channelMatrix,
  deinterleave,
  interleave,
  mapChannels,
} from './channels.js';
export { Converter, type ConverterOptions } from './converter.js';
export { type Quality, qualities } from './filter-design.js';
export {
  decodeSamples,
  isSampleFormat,
  SampleEncoder,
  type SampleEncoderOptions,
  type SampleFormat,
  sampleBytes,
} from './sample-format.js';
export { cleanSamples, gateTally } from './sample-gate.js';
