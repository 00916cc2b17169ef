/** Control and the recorder are killed, and stopped for good: the sound must not notice. */
import { times } from './figures.mjs';
import { countOf, durationText, lossText, runStorm } from './storms.mjs';

export async function* run({ full, machine }) {
  for (const [target, back] of [
    ['control', 'controlBackMs'],
    ['recorder', 'recorderBackMs'],
  ]) {
    const killed = await runStorm({ faults: full ? 30 : 8, rate: 1.5, kill: [target] });
    yield {
      what: `${countOf(killed)} SIGKILLs of ${target}`,
      target: 'sound unchanged',
      measured: lossText(killed),
      met: killed.ok && killed.underruns === 0,
    };
    yield {
      what: `${target} back after a kill`,
      target: '<= 500 ms',
      measured: durationText(killed[back]),
      beside: `${times(killed[back].median / machine.spawnMs)} an empty node program`,
      met: killed[back].max <= 500,
    };
    const hung = await runStorm({ faults: full ? 8 : 2, rate: 0.3, hang: [target] });
    yield {
      what: `${countOf(hung)} SIGSTOPs of ${target}`,
      target: 'sound unchanged, replaced',
      measured: lossText(hung),
      beside: `replaced after ${durationText(hung[back])}`,
      met: hung.ok && hung[back].count === countOf(hung),
    };
  }
}
