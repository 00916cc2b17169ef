/** Rate conversion: what it does to tones, how fast it is beside libsoxr, and two clocks. */
import { simulateClockPair } from '../dist/pcm/clock-pair.js';
import { makeFilterBank } from '../dist/pcm/filter-bank.js';
import { Converter } from '../dist/pcm/index.js';
import { converters, judge, worst } from './conversion-quality.mjs';
import { measureSpeeds, measureWaits } from './conversion-speed.mjs';
import { median, times } from './figures.mjs';

/** Each quality with the soxr recipe that is comparable, and what must be reached. */
const comparisons = [
  { quality: 'music', bits: 20, wantedDb: -120 },
  { quality: 'mastering', bits: 28, wantedDb: -140 },
];
const pairs = [
  [44_100, 48_000],
  [48_000, 44_100],
];

function* qualityRows() {
  for (const { quality, bits, wantedDb } of comparisons) {
    for (const [inputRate, outputRate] of pairs) {
      const all = converters({ inputRate, outputRate, quality, bits });
      const rates = { inputRate, outputRate };
      const results = Object.entries(all).map(([name, convert]) => {
        const toneDb = judge(convert, { hz: 997, ...rates, frames: 96_000 }).residualDb;
        return { name, toneDb, ...worst(convert, rates) };
      });
      const soxr = results.find(({ name }) => name === 'soxr');
      for (const result of results) {
        if (result === soxr) continue;
        const { name, levelDbMax, toneDb, residualDbMax } = result;
        yield {
          what: `${quality} ${inputRate / 1000} to ${outputRate / 1000} kHz by ${name}`,
          target: `0.01, ${wantedDb}, ${wantedDb} dB`,
          measured: describe(result),
          beside: soxr ? `soxr ${bits} bit: ${describe(soxr)}` : 'no soxr',
          met: levelDbMax <= 0.01 && toneDb <= wantedDb && residualDbMax <= wantedDb,
        };
      }
    }
  }
}

/** Level to 20 kHz, what comes with a tone of 997 Hz, and the worst that comes with any. */
function describe({ levelDbMax, toneDb, residualDbMax }) {
  const numbers = [toneDb, residualDbMax].map((value) => value.toFixed(1));
  return `level ${levelDbMax.toFixed(5)}, THD+N ${numbers[0]}, aliases ${numbers[1]} dB`;
}

function* speedRows(full) {
  const rounds = full ? 1000 : 120;
  for (const { quality, bits } of comparisons) {
    for (const [inputRate, outputRate] of pairs) {
      for (const channels of [2, 1]) {
        const format = { inputRate, outputRate, channels, quality, bits };
        const sound = channels === 2 ? 'stereo' : 'mono';
        const what = `${quality} ${inputRate / 1000} to ${outputRate / 1000} kHz, ${sound}`;
        yield* speedsOf(what, format, rounds);
      }
    }
  }
}

/** Who waits for less is slower: what each holds stands beside. */
const ways = {
  blocks: { title: 'files', isWanted: true },
  streams: { title: 'streams', isWanted: true },
  frames: { title: 'devices', isWanted: false },
  adjustable: { title: 'following a clock', isWanted: false },
};

function* speedsOf(what, format, rounds) {
  const { soxr, ...speeds } = measureSpeeds(format, { rounds });
  const waits = measureWaits(format);
  for (const [way, { title, isWanted }] of Object.entries(ways)) {
    const speed = speeds[way];
    const held = waits[way] ?? waits.frames;
    yield {
      what: `${what}, ${title}, speed`,
      target: isWanted ? `>= 1x soxr ${format.bits} bit` : 'printed',
      measured: soxr
        ? `${(speed / soxr).toFixed(2)}x: ${times(speed)} to ${times(soxr)}`
        : `${times(speed)} real time, no soxr`,
      beside: `holds ${held} frames${soxr ? `, soxr ${waits.soxr}` : ''}`,
      met: soxr === undefined || !isWanted ? undefined : speed >= soxr,
    };
  }
}

function timeMs(call) {
  const took = [];
  for (let i = 0; i < 30; i++) {
    const from = performance.now();
    call();
    took.push(performance.now() - from);
  }
  return median(took);
}

/** Short sounds, each with a converter of its own, as a voice assistant's replies come. */
function* cacheRows() {
  for (const soundMs of [100, 1000]) {
    const format = { inputRate: 44_100, outputRate: 48_000, quality: 'music' };
    const frames = (44_100 * soundMs) / 1000;
    const input = new Float32Array(frames);
    const output = new Float32Array(2 * frames);
    const convertMs = timeMs(() => {
      const converter = new Converter({ ...format, channels: 1, maxInputFrames: frames });
      converter.push(input, frames);
      converter.end();
      converter.pull(output, 2 * frames);
    });
    const designMs = timeMs(() => makeFilterBank({ ...format, adjustable: false }));
    const saved = designMs / (designMs + convertMs);
    yield {
      what: `CPU saved by cached bank, sounds of ${soundMs} ms`,
      target: 'printed',
      measured: `${(100 * saved).toFixed(0)} %`,
      beside: `bank ${designMs.toFixed(2)} ms, sound ${convertMs.toFixed(2)} ms`,
    };
  }
}

function* clockRows() {
  for (const ppm of [200, -200]) {
    const found = simulateClockPair({ hours: 10, driftPpm: () => ppm, jitterSec: 0.02, seed: 7 });
    const { leastFrames, mostFrames, xruns, lockedSec, wanderCent } = found;
    yield {
      what: `two clocks ${ppm} ppm apart, 10 hours simulated`,
      target: 'no xrun, < 0.1 cent',
      measured: `${xruns} xruns, ${wanderCent.toFixed(3)} cent from ${lockedSec.toFixed(0)} s on`,
      beside: `fill ${leastFrames.toFixed(0)} to ${mostFrames.toFixed(0)} of 8192 frames`,
      met: xruns === 0 && wanderCent < 0.1,
    };
  }
}

export async function* run({ full }) {
  yield* qualityRows();
  yield* speedRows(full);
  yield* cacheRows();
  yield* clockRows();
}
