/** Storms of faults on the demo patch: what the soak finds, in the words of the table. */
import { runSoak } from '../dist/soak/index.js';
import { benchSettings, demoPatch } from './engines.mjs';
import { ms } from './figures.mjs';

/** Seconds that an engine needs before and after a storm, at most. */
const marginSec = 6;

export function runStorm({ faults, rate, kill = [], hang = [], set = [], seed = 1 }) {
  const settings = benchSettings(set);
  return runSoak({
    settings,
    patch: demoPatch(settings),
    seconds: faults / rate + marginSec,
    kill,
    hang,
    rate,
    seed,
    faultsMax: faults,
  });
}

export function countOf({ faults }) {
  return Object.values(faults).reduce((sum, count) => sum + count, 0);
}

export function lossText({ underruns, lostFrames, bitExact, order, ended }) {
  const same = bitExact && order === 'ok' ? 'bit-exact' : `NOT bit-exact (${order})`;
  const end = ended === 'stop-tick' ? '' : `, ENDED EARLY (${ended})`;
  return `${underruns} underruns, ${lostFrames} lost, ${same}${end}`;
}

export function durationText({ count, median, max }) {
  return count === 0 ? 'none' : `${ms(median)} median, ${ms(max)} max (${count})`;
}
