import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TenutoError } from '../errors.js';
import { loadSettings, settingKeys, settingsSchema } from './index.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenuto-settings-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(text: string): void {
  writeFileSync(join(folder, 'tenuto.yaml'), text);
}

function refusal(sources: Parameters<typeof loadSettings>[0]): string {
  try {
    loadSettings(sources);
  } catch (error) {
    expect(error).toBeInstanceOf(TenutoError);
    const { message, exitCode } = error as TenutoError;
    expect(exitCode).toBe(message.startsWith('--') ? 2 : 3);
    return message;
  }
  throw new Error('these settings should have been refused');
}

describe('where settings come from', () => {
  it('has a valid default for every key', () => {
    const settings = loadSettings();
    expect(settings.engine).toMatchObject({ name: 'default', rateHz: 48_000, quantumFrames: 128 });
    expect(settingsSchema.parse(settings)).toEqual(settings);
  });

  it("takes a program's own defaults where nobody set anything, and checks them as all", () => {
    write('engine: {leadQuanta: 8}\n');
    const defaults = { 'engine.leadQuanta': 2, 'engine.quantumFrames': 256 };
    const { engine } = loadSettings({ cwd: folder, defaults });
    expect(engine).toMatchObject({ leadQuanta: 8, quantumFrames: 256, rateHz: 48_000 });
    expect(refusal({ defaults: { 'engine.leadQuanta': 0 } })).toContain('engine.leadQuanta');
  });

  it('prefers flags to the environment to the file to the default', () => {
    write('engine:\n  rateHz: 44100\n  leadQuanta: 8\n  channels: 1\nlog: {level: info}\n');
    const settings = loadSettings({
      cwd: folder,
      env: { TENUTO_ENGINE_LEAD_QUANTA: '6', TENUTO_ENGINE_CHANNELS: '4' },
      flags: { channels: '2' },
    });
    expect(settings.engine).toMatchObject({
      rateHz: 44_100,
      leadQuanta: 6,
      channels: 2,
      replicas: 2,
    });
    expect(settings.log.level).toBe('info');
  });

  it('reads the file that was named and refuses one that is not there', () => {
    writeFileSync(join(folder, 'other.yaml'), 'engine: {name: other}\n');
    expect(loadSettings({ cwd: folder, configFile: 'other.yaml' }).engine.name).toBe('other');
    expect(refusal({ cwd: folder, configFile: 'none.yaml' })).toContain('none.yaml');
  });

  it('takes any setting by --set', () => {
    const settings = loadSettings({
      flags: {
        set: ['device.virtual.jitterUs=250', 'device.virtual.faults=[{kind: hang, atMs: 5}]'],
      },
    });
    expect(settings.device.virtual.jitterUs).toBe(250);
    expect(settings.device.virtual.faults).toEqual([{ kind: 'hang', atMs: 5, forMs: 0 }]);
  });

  it('understands where Chronus was to be reached by OSC', () => {
    const at = (env: NodeJS.ProcessEnv) => loadSettings({ env }).control.osc;
    expect(at({ CHRONUS_OSC_PORT: '6000' })).toBe('127.0.0.1:6000');
    expect(at({ CHRONUS_OSC_HOST: '127.0.0.2' })).toBe('127.0.0.2:5005');
    expect(at({ CHRONUS_OSC_PORT: '6000', TENUTO_CONTROL_OSC: 'off' })).toBe('off');
  });

  it('understands CHRONUS_VERBOSE and prefers its own name for it', () => {
    expect(loadSettings({ env: { CHRONUS_VERBOSE: '1' } }).log.level).toBe('info');
    const both = { CHRONUS_VERBOSE: '1', TENUTO_LOG_LEVEL: 'error' };
    expect(loadSettings({ env: both }).log.level).toBe('error');
  });

  it('takes a second name where there is one, alone or in its group', () => {
    write('max_recreate_per_minute: 5\ndevice:\n  resample_mode: off\n  onLoss: continue\n');
    const { device } = loadSettings({ cwd: folder, flags: { set: ['prefer_stream_rate=device'] } });
    expect(device).toMatchObject({
      maxRecreatePerMinute: 5,
      resampleMode: 'off',
      onLoss: 'continue',
      preferStreamRate: 'device',
    });
    write('device: {resampleMode: off, resample_mode: off}\n');
    expect(refusal({ cwd: folder })).toContain(
      'tenuto.yaml:1:29: "device.resample_mode" was given already',
    );
  });

  it('reads every setting from its own variable and its own flag', () => {
    for (const key of settingKeys) {
      const text =
        key.kind === 'yaml' ? JSON.stringify(key.defaultValue) : String(key.defaultValue);
      expect(() => loadSettings({ env: { [key.env]: text } })).not.toThrow();
      if (key.flag)
        expect(() => loadSettings({ flags: { [key.flag as string]: text } })).not.toThrow();
    }
  });
});

describe('what is refused, and where it stands', () => {
  it('an unknown key, with the one that was meant', () => {
    write('engine:\n  rateHz: 48000\n  ledQuanta: 2\n');
    expect(refusal({ cwd: folder })).toBe(
      'tenuto.yaml:3:3: there is no setting "engine.ledQuanta"; did you mean engine.leadQuanta?',
    );
  });

  it('a key in the wrong group', () => {
    write('rateHz: 48000\n');
    expect(refusal({ cwd: folder })).toContain('tenuto.yaml:1:1');
    expect(refusal({ cwd: folder })).toContain('did you mean engine.rateHz?');
  });

  it('a value of the wrong type or out of range', () => {
    write('engine:\n  rateHz: fast\n  channels: 99\n');
    const message = refusal({ cwd: folder });
    expect(message).toContain('tenuto.yaml:2:11: engine.rateHz: expected number, received string');
    expect(message).toContain('tenuto.yaml:3:13: engine.channels:');
    expect(message).toContain('(accepts 1 to 8)');
  });

  it('text that is no YAML', () => {
    write('engine: [1, 2\n');
    expect(refusal({ cwd: folder })).toMatch(/^tenuto\.yaml:\d+:\d+: /);
    write('- just\n- a list\n');
    expect(refusal({ cwd: folder })).toBe('tenuto.yaml:1:1: expected a table of settings');
    write('engine: {rateHz: 1, rateHz: 2}\n');
    expect(refusal({ cwd: folder })).toMatch(/^tenuto\.yaml:1:\d+: /);
  });

  it('an unknown variable, flag text and --set key', () => {
    expect(refusal({ env: { TENUTO_ENGINE_RATE: '1' } })).toContain('TENUTO_ENGINE_RATE_HZ?');
    expect(refusal({ flags: { rate: 'x' } })).toBe('--rate: "x" is not a number');
    expect(refusal({ flags: { rate: '7' } })).toContain('--rate: engine.rateHz:');
    expect(refusal({ flags: { set: ['engine.rat=1'] } })).toContain('--set engine.rat');
    expect(refusal({ flags: { set: ['engine'] } })).toContain('expected KEY=VALUE');
  });

  it('settings that contradict each other', () => {
    expect(refusal({ flags: { set: ['restart.backoffMs=60000'] } })).toContain(
      'restart.backoffMs: must not be longer',
    );
  });

  it('names that could not be a socket name', () => {
    for (const name of ['', 'A', 'a/b', 'x'.repeat(33)]) {
      expect(refusal({ flags: { name } })).toContain('--name: engine.name:');
    }
  });
});
