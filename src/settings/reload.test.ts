import { describe, expect, it } from 'vitest';
import { loadSettings, settingKeys } from './index.js';
import { reloadSettings } from './reload.js';

const settingsOf = (...set: string[]) => loadSettings({ flags: { set }, env: {} });

describe('settings that are read again', () => {
  it('are taken over where an engine can, and else wait', () => {
    const before = settingsOf();
    const now = settingsOf(
      'restart.perMinute=7',
      'tripwires.underruns=9',
      'engine.leadQuanta=9',
      'device.fallbacks=[virtual]',
      'measure.maxM=3',
    );
    const { settings, taken, later } = reloadSettings(before, now);
    expect(taken).toEqual(['restart.perMinute', 'tripwires.underruns']);
    expect(later).toEqual(['engine.leadQuanta', 'device.fallbacks']);
    expect(settings.restart.perMinute).toBe(7);
    expect(settings.engine.leadQuanta).toBe(before.engine.leadQuanta);
    expect(before.restart.perMinute).not.toBe(7);
    expect(reloadSettings(settings, now).taken).toEqual([]);
  });

  it('are live only where the keeper has them', () => {
    const groups = new Set(settingKeys.flatMap(({ path, live }) => (live ? [path] : [])));
    const roots = new Set([...groups].map((path) => path.split('.')[0]));
    expect([...roots].sort()).toEqual(['restart', 'shutdown', 'tripwires', 'watchdog']);
  });
});
