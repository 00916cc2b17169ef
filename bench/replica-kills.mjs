/** Replicas are killed, and stopped for good, under a sounding patch. */
import { times } from './figures.mjs';
import { countOf, durationText, lossText, runStorm } from './storms.mjs';

export async function* run({ full, kills = full ? 300 : 60, machine }) {
  const lead4 = await runStorm({ faults: kills, rate: 3, kill: ['replica'] });
  yield {
    what: `${countOf(lead4)} SIGKILLs of replicas, 3 a second, lead 4`,
    target: '0 underruns, 0 lost, exact',
    measured: lossText(lead4),
    met: lead4.ok && lead4.underruns === 0,
  };
  yield {
    what: 'replica killed to replica rendering again',
    target: '<= 250 ms median',
    measured: durationText(lead4.rejoinMs),
    beside: `${times(lead4.rejoinMs.median / machine.spawnMs)} an empty node program`,
    met: lead4.rejoinMs.median <= 250,
  };
  const set = ['engine.leadQuanta=2'];
  const lead2 = await runStorm({ faults: kills, rate: 3, kill: ['replica'], set });
  yield {
    what: `${countOf(lead2)} SIGKILLs of replicas, 3 a second, lead 2`,
    target: '0 lost, exact',
    measured: lossText(lead2),
    met: lead2.ok,
  };
  const hangs = Math.ceil(kills / 6);
  const hung = await runStorm({ faults: hangs, rate: 2, hang: ['replica'] });
  yield {
    what: `${countOf(hung)} SIGSTOPs of replicas, for good`,
    target: 'as a kill, and replaced',
    measured: lossText(hung),
    beside: `replaced after ${durationText(hung.rejoinHungMs)}`,
    met: hung.ok && hung.underruns === 0 && hung.rejoinHungMs.count === countOf(hung),
  };
}
