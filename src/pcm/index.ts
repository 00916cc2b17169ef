/** Samples on their way in and out: formats, channels, rates. Nothing here knows a device. */
export { BlockConverter, type BlockConverterOptions } from './block-converter.js';
export {
  ChannelMap,
  channelMatrix,
  deinterleave,
  interleave,
  mapChannels,
} from './channels.js';
export { Converter, type ConverterOptions } from './converter.js';
export { DriftController, type DriftControllerOptions } from './drift-controller.js';
export { type Quality, qualities } from './filter-design.js';
export { FormatConversion, type PcmFormat } from './format-conversion.js';
export {
  decodeSamples,
  isSampleFormat,
  SampleEncoder,
  type SampleEncoderOptions,
  type SampleFormat,
  sampleBytes,
} from './sample-format.js';
export { cleanSamples, gateTally } from './sample-gate.js';
