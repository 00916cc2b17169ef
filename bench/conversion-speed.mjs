/** Seconds of sound converted in a second, by Tenuto and libsoxr in turn. */
import { performance } from 'node:perf_hooks';
import { BlockConverter, Converter } from '../dist/pcm/index.js';
import { loadSoxr } from './soxr.mjs';

const blockFrames = 1024;

function byFrames({ inputRate, outputRate, channels, quality, adjustable = false }) {
  const converter = new Converter({
    inputRate,
    outputRate,
    channels,
    quality,
    adjustable,
    maxInputFrames: blockFrames,
  });
  const output = new Float32Array(8 * blockFrames * channels);
  return (input) => {
    converter.push(input, blockFrames);
    converter.pull(output, 8 * blockFrames);
  };
}

function byBlocks(format) {
  const { channels } = format;
  const converter = new BlockConverter(format);
  const output = new Float32Array(8 * blockFrames * channels);
  return (input) => {
    for (let at = 0; at < blockFrames; ) {
      at += converter.push(input, blockFrames - at, at);
      converter.pull(output, 8 * blockFrames);
    }
  };
}

function soxr(create, { bits, ...format }) {
  const conversion = create({ bits, ...format });
  const output = new Float32Array(8 * blockFrames * format.channels);
  return (input) => conversion.process(input, blockFrames, output);
}

/** Input frames that the limit for streams allows, or as many as soxr holds if that is more. */
export function streamWaitFrames({ inputRate, quality }) {
  return inputRate * (quality === 'mastering' ? 0.045 : 0.02);
}

/** Input frames that may be held before their output comes, the half filter included. */
export function measureWaits(format) {
  const { inputRate, outputRate, channels, quality } = format;
  const create = loadSoxr();
  const waits = {
    blocks: new BlockConverter(format).latencyFrames,
    streams: new BlockConverter({ ...format, waitFramesMax: streamWaitFrames(format) })
      .latencyFrames,
    frames: new Converter({ inputRate, outputRate, channels, quality, maxInputFrames: 1 })
      .latencyFrames,
  };
  if (create) waits.soxr = soxrHolds(create, format);
  return waits;
}

function soxrHolds(create, { bits, ...format }) {
  const few = 16;
  const conversion = create({ bits, ...format });
  const input = new Float32Array(few * format.channels);
  const output = new Float32Array(8 * blockFrames * format.channels);
  let most = 0;
  let made = 0;
  for (let taken = few; taken < 2 * format.inputRate; taken += few) {
    made += conversion.process(input, few, output);
    most = Math.max(most, taken - (made * format.inputRate) / format.outputRate);
  }
  conversion.close();
  return Math.round(most);
}

/**
 * The least time of many short runs, one of each in turn: what else the machine does meanwhile
 * lengthens some runs of both, and seldom all.
 */
export function measureSpeeds(format, { rounds = 150, blocksPerRound = 48 } = {}) {
  const create = loadSoxr();
  const parties = {
    blocks: byBlocks(format),
    streams: byBlocks({ ...format, waitFramesMax: streamWaitFrames(format) }),
    frames: byFrames(format),
    adjustable: byFrames({ ...format, adjustable: true }),
  };
  if (create) parties.soxr = soxr(create, format);
  const input = Float32Array.from({ length: blockFrames * format.channels }, (_, i) =>
    Math.sin(i * 0.01),
  );
  const best = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(parties)) {
      const from = performance.now();
      for (let i = 0; i < blocksPerRound; i++) run(input);
      const took = performance.now() - from;
      best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, took);
    }
  }
  const soundMs = (1000 * blockFrames * blocksPerRound) / format.inputRate;
  return Object.fromEntries(Object.entries(best).map(([name, took]) => [name, soundMs / took]));
}
