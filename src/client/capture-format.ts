import { limits } from '../limits.js';
import { outputQuanta } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import {
  type Demand,
  demandOf,
  demandShape,
  isWholeWithin,
  isWithin,
  shown,
} from './format-checks.js';
import type { CaptureFormat, EngineCapture } from './types.js';

const blockFramesDefault = 512;
const blockFramesMax = 65_536;
const bufferSecDefault = 0.5;

const presets = {
  speech: { rate: 16_000, channels: 1, format: 's16', blockFrames: 512, bufferFrames: 8 * 512 },
} as const satisfies Record<string, CaptureFormat>;

const demand: Demand = demandOf('TENUTO_CAPTURE_FORMAT');

/**
 * A format with its defaults, all of it possible for this engine.
 *
 * @throws TenutoError `TENUTO_CAPTURE_FORMAT` that names what cannot be and what can.
 */
export function checkCaptureFormat(
  given: CaptureFormat,
  layout: Segment['layout'],
): EngineCapture['format'] {
  demand(typeof given === 'object' && given !== null, 'a capture format is an object');
  const { preset } = given;
  demand(
    preset === undefined || Object.hasOwn(presets, preset),
    `preset ${shown(preset)} is none of ${Object.keys(presets).join(', ')}`,
  );
  const wanted: CaptureFormat = { ...(preset && presets[preset]), ...stated(given) };
  const { rate = layout.rateHz, channels = layout.captureChannels, format = 'f32' } = wanted;
  const { blockFrames = blockFramesDefault } = wanted;
  const { mediaRateHzMin, mediaRateHzMax } = limits;
  demand(
    isWithin(rate, mediaRateHzMin, mediaRateHzMax) &&
      layout.rateHz / rate <= limits.pcmSpeedMax &&
      rate / layout.rateHz <= limits.pcmSpeedMax,
    `rate ${shown(rate)} is not within ${mediaRateHzMin} to ${mediaRateHzMax} Hz`,
  );
  demandShape(demand, { channels, format });
  demand(
    isWholeWithin(blockFrames, 1, blockFramesMax),
    `blockFrames ${shown(blockFrames)} is no whole number of 1 to ${blockFramesMax}`,
  );
  // Half of the ring is room to read in while the engine goes on.
  const keptFrames = (outputQuanta / 2) * layout.quantum;
  const most = Math.floor((keptFrames * rate) / layout.rateHz);
  const usual = Math.min(most, Math.max(blockFrames, Math.round(bufferSecDefault * rate)));
  const { bufferFrames: asked = usual } = wanted;
  const bufferFrames = asked === Number.POSITIVE_INFINITY ? most : asked;
  demand(
    isWholeWithin(bufferFrames, blockFrames, most),
    `bufferFrames ${shown(bufferFrames)} is no whole number of ${blockFrames}, a block, to ${most}`,
  );
  return { rate, channels, format, blockFrames, bufferFrames };
}

/** Only what was given: an option that is undefined is as if it were not there. */
function stated(given: CaptureFormat): CaptureFormat {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
