import { describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { count, counterIndex } from '../memory/counters.js';
import { writeTripwirePolicy } from '../memory/tripwires.js';
import { readStatus } from '../observe/status.js';
import { TripwireWatch } from '../observe/tripwires.js';
import { tripwires } from '../settings/index.js';
import { liveText, statusText } from './status-text.js';

const plain = { isTTY: false, write: () => true };

/** An engine's status after so many underruns, recreations and takeovers; each trips at one. */
function statusOf(counted: readonly number[], laterMs = 0) {
  const segment = segmentFor();
  const thresholds = tripwires.map(() => 1);
  writeTripwirePolicy(segment, { windowSec: 60, cooldownSec: 60, thresholds });
  const { underruns, recreations, takeovers } = counterIndex;
  for (const [i, counter] of [underruns, recreations, takeovers].entries()) {
    count(segment, counter, counted[i] ?? 0);
  }
  const watch = new TripwireWatch(segment);
  watch.look(1_000_000);
  if (laterMs > 0) watch.look(1_000_000 + laterMs);
  return readStatus(segment, 'x');
}

describe('tripwires in words', () => {
  it('are silent while none tripped', () => {
    const status = statusOf([]);
    expect(liveText(status, plain)).not.toContain('trip');
    expect(statusText(status, plain)).not.toContain('TRIP');
  });

  it('are named in the live line while they are few', () => {
    expect(liveText(statusOf([7]), plain)).toContain('tripped: callback_underrun_count 7');
    expect(liveText(statusOf([7, 2]), plain)).toContain('recreate_count 2');
    expect(liveText(statusOf([7, 2, 1]), plain)).toContain('3 tripwires tripped');
  });

  it('have a row each in the status, also when they are no longer tripped', () => {
    const row = (text: string) =>
      text.split('\n').find((line) => line.startsWith('callback_under'));
    expect(row(statusText(statusOf([7], 1500), plain))?.split(/ {2,}/)).toEqual([
      'callback_underrun_count',
      '7',
      '1',
      'for 1.5 s',
      '1',
    ]);
    expect(row(statusText(statusOf([7], 62_000), plain))?.split(/ {2,}/)).toEqual([
      'callback_underrun_count',
      '0',
      '1',
      'no',
      '1',
    ]);
  });
});
