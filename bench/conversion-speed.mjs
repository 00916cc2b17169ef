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

function byBlocks({ inputRate, outputRate, channels, quality }) {
  const converter = new BlockConverter({ inputRate, outputRate, channels, quality });
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

/**
 * The least time of many short runs, one of each in turn: what else the machine does meanwhile
 * lengthens some runs of both, and seldom all.
 */
export function measureSpeeds(format, { rounds = 150, blocksPerRound = 48 } = {}) {
  const create = loadSoxr();
  const parties = {
    blocks: byBlocks(format),
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
