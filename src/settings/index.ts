export { type SettingKey, settingKeys } from './keys.js';
export {
  loadSettings,
  type SettingDefaults,
  type SettingsSources,
  settingsFileName,
} from './load.js';
export { type MeasureSettings, measureSchema } from './measure.js';
export { settingsReference } from './reference.js';
export { type Reloaded, reloadSettings } from './reload.js';
export {
  type DeviceFault,
  hostAndPort,
  isLoopback,
  type Settings,
  settingsSchema,
} from './schema.js';
export { type Tripwire, tripwires, tripwireTable } from './tripwires.js';
