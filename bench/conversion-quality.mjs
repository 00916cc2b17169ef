/** What conversions do to tones, Tenuto's and libsoxr's alike. */
import { BlockConverter, Converter } from '../dist/pcm/index.js';
import { convertWhole, judgeTone, levelDb, makeTone } from '../dist/pcm/tone.js';
import { streamWaitFrames } from './conversion-speed.mjs';
import { loadSoxr } from './soxr.mjs';

const blockFrames = 4096;

/** By name, how each converts a whole mono signal; `soxr` is not there when it is not installed. */
export function converters({ inputRate, outputRate, quality, bits }) {
  const format = { inputRate, outputRate, channels: 1, quality };
  const options = { ratio: outputRate / inputRate, blockFrames };
  const all = {
    frames: (input) =>
      convertWhole(new Converter({ ...format, maxInputFrames: blockFrames }), input, options),
  };
  if (quality === 'music' || quality === 'mastering') {
    all.blocks = (input) => convertWhole(new BlockConverter(format), input, options);
    all.streams = (input) => {
      const waitFramesMax = streamWaitFrames(format);
      return convertWhole(new BlockConverter({ ...format, waitFramesMax }), input, options);
    };
    all.adjustable = (input) => {
      const more = { adjustable: true, maxInputFrames: blockFrames };
      return convertWhole(new Converter({ ...format, ...more }), input, options);
    };
  }
  const create = loadSoxr();
  if (create && bits) all.soxr = (input) => convertBySoxr(create, { ...format, bits }, input);
  return all;
}

function convertBySoxr(create, format, input) {
  const conversion = create(format);
  const output = new Float32Array(Math.ceil((input.length * format.outputRate) / format.inputRate));
  let made = 0;
  // It gives what it has; the end of the stream brings the rest.
  for (let at = 0; at < input.length; at += blockFrames) {
    const block = input.slice(at, at + blockFrames);
    const room = output.subarray(made);
    made += conversion.process(block, block.length, room);
  }
  for (let more = 1; more > 0 && made < output.length; made += more) {
    more = conversion.process(null, 0, output.subarray(made));
  }
  conversion.close();
  return output.subarray(0, made);
}

/** Frames at each end that the end of the tone disturbs. */
const edgeFrames = 2000;

/** What becomes of a tone: gain and residual; above the output's Nyquist frequency all is residual. */
export function judge(convert, { hz, inputRate, outputRate, frames = 32_000 }) {
  const output = convert(makeTone(hz, inputRate, frames)).slice(edgeFrames, -edgeFrames);
  if (hz >= outputRate / 2)
    return { gainDb: Number.NEGATIVE_INFINITY, residualDb: levelDb(output) };
  // The tone's phase is found, so that the slice may begin anywhere.
  return judgeTone(output, hz, outputRate);
}

/** The worst of many tones: level up to 20 kHz, and all that is not the tone up to Nyquist. */
export function worst(convert, { inputRate, outputRate, tones = 60 }) {
  let levelDbMax = 0;
  let residualDbMax = Number.NEGATIVE_INFINITY;
  const top = inputRate / 2;
  for (let i = 1; i <= tones; i++) {
    const hz = Math.min((i / tones) * top, top - 50) - 11;
    const { gainDb, residualDb } = judge(convert, { hz, inputRate, outputRate });
    if (hz <= 20_000) levelDbMax = Math.max(levelDbMax, Math.abs(gainDb));
    residualDbMax = Math.max(residualDbMax, residualDb);
  }
  const { gainDb } = judge(convert, { hz: 20_000, inputRate, outputRate });
  return { levelDbMax: Math.max(levelDbMax, Math.abs(gainDb)), residualDbMax };
}
