import { describe, expect, it } from 'vitest';
import type { ScenarioReport } from '../../dist/soak/scenario.js';
import { routeSwitch } from '../../dist/soak/scenarios/route-switch.js';
import { serverLoss } from '../../dist/soak/scenarios/server-loss.js';
import { sinkLoss } from '../../dist/soak/scenarios/sink-loss.js';
import { stall } from '../../dist/soak/scenarios/stall.js';
import { testSettings } from '../kit/engine.js';

/** What every frame of content should come to, whatever befell the device. */
const whole = ['frames of content lost', 'frames of content repeated', 'order of content'];

function play(scenario: typeof routeSwitch, times: number): Promise<ScenarioReport> {
  const settings = testSettings();
  return scenario({ settings, server: 'private', seconds: 1, times, seed: 1 });
}

/** The checks of these names failed; times are none of them. */
function failedOf({ checks }: ScenarioReport, names: readonly string[]): string[] {
  for (const name of names) expect(checks.map(({ what }) => what)).toContain(name);
  return checks
    .filter(({ what, ok }) => names.includes(what) && !ok)
    .map(({ what, found }) => `${what}: ${found}`);
}

/**
 * On a busy machine the server leaves out what it is late for, and nobody can tell from outside what
 * of that was heard. What is wrong here is wrong each time.
 */
const onBusyMachine = { retry: 3 };

describe('on a sound server', onBusyMachine, () => {
  it('every frame is heard once while the default changes', async () => {
    const report = await play(routeSwitch, 3);
    const names = ['switches followed', 'ears that heard it', 'recreations', ...whole];
    expect(failedOf(report, names)).toEqual([]);
  });

  it('every frame is heard once while the sink that plays is away', async () => {
    const report = await play(sinkLoss, 1);
    const names = ['times the content went on', 'openings while there was no device', ...whole];
    expect(failedOf(report, names)).toEqual([]);
  });

  it('every frame is heard, or recorded, while the server is killed', async () => {
    const report = await play(serverLoss, 1);
    const names = [
      ...whole.map((what) => `hold: ${what}`),
      'hold: times the sound came back',
      'continue: times the sound came back',
      'continue: gaps in the recording',
    ];
    expect(failedOf(report, names)).toEqual([]);
  });

  it('a server that stands still is replaced', async () => {
    const report = await play(stall, 1);
    expect(failedOf(report, ['stalls replaced', 'stalls counted'])).toEqual([]);
  });
});
