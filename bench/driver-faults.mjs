/** The driver is killed, and stopped for good: a standby takes the device over. */
import { times } from './figures.mjs';
import { countOf, durationText, lossText, runStorm } from './storms.mjs';

const quantumMs = (128 * 1000) / 48_000;

export async function* run({ full }) {
  for (const [action, faults, name] of [
    ['kill', full ? 50 : 20, 'SIGKILL'],
    ['hang', full ? 20 : 10, 'SIGSTOP'],
  ]) {
    const report = await runStorm({ faults, rate: 1.5, [action]: ['driver'] });
    yield {
      what: `${countOf(report)} ${name}s of the driver`,
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
