import type { Settings } from '../settings/index.js';

/** The settings of a soak: a name of its own, and no limit to restarts. */
export function soakSettings(settings: Settings): Settings {
  const { engine, device, restart } = settings;
  return {
    ...settings,
    engine: { ...engine, name: engine.name === 'default' ? `soak-${process.pid}` : engine.name },
    device: { ...device, name: device.name === 'default' ? 'virtual' : device.name },
    // A past full of planted faults is of no use to anybody.
    flight: { ...settings.flight, minutes: 0 },
    // The storm is the reason for the restarts: the limit is not to end it.
    restart: { ...restart, perMinute: 10_000 },
  };
}
