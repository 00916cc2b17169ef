import type { MeasureSettings, Settings } from '../../dist/settings/index.js';
import { measureSchema } from '../../dist/settings/index.js';
import { testSettings } from './engine.js';

/** An engine whose virtual device stands in a room. */
export function roomSettings(room: object, more: readonly string[] = []): Settings {
  const inRoom = `device.virtual.room=${JSON.stringify(room)}`;
  return testSettings(['device.capture=virtual', inRoom, ...more]);
}

/** How is measured in it: short, so that tests are, and so often that noise is no echo even then. */
export function measuring(more: Partial<MeasureSettings> = {}): MeasureSettings {
  return measureSchema.parse({ durationMs: 20, maxM: 5, falseAlarm: 1e-9, ...more });
}
