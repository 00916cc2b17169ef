/** The driver is killed, and stopped for good: a standby takes the device over. */
import { times } from './figures.mjs';
import { countOf, durationText, lossText, runStorm } from './storms.mjs';

const quantumMs = (128 * 1000) / 48_000;

export async function* run({ full }) {
  const most = full ? 1 : 0.4;
  for (const [faults, name, how] of [
    [50, 'SIGKILL', { kill: ['driver'] }],
    [20, 'SIGSTOP', { hang: ['driver'] }],
    [70, 'SIGKILL or SIGSTOP', { kill: ['driver'], hang: ['driver'] }],
  ]) {
    const report = await runStorm({ faults: Math.round(faults * most), rate: 1.5, ...how });
    yield {
      what: `${countOf(report)} times ${name} of the driver`,
      target: 'complete and in order',
      measured: lossText(report),
      met: report.ok,
    };
    yield {
      what: `takeover after ${name}`,
      target: '<= 10 ms median',
      measured: durationText(report.takeoverMs),
      beside: `${times(report.takeoverMs.median / quantumMs)} a quantum`,
      met: report.takeoverMs.median <= 10,
    };
  }
}
