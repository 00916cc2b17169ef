import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { type MeasureSettings, measureSchema } from '../settings/index.js';

/** EchoPi's names: what each is called here, and by how much its unit differs. */
const names: Record<string, { key: keyof MeasureSettings; scale: number }> = {
  min_distance_m: { key: 'minM', scale: 1 },
  max_distance_m: { key: 'maxM', scale: 1 },
  start_freq_hz: { key: 'startHz', scale: 1 },
  end_freq_hz: { key: 'endHz', scale: 1 },
  chirp_duration_s: { key: 'durationMs', scale: 1000 },
  amplitude: { key: 'amplitude', scale: 1 },
  medium: { key: 'medium', scale: 1 },
  update_rate_hz: { key: 'updateHz', scale: 1 },
  filter_size: { key: 'filterSize', scale: 1 },
};

/** What a file of EchoPi's says in the words of Tenuto. */
export interface EchoPiSettings {
  measure: Partial<MeasureSettings>;
  /** Frames per second, for `engine.rateHz`; null when it says nothing. */
  rateHz: number | null;
  /** Names in it that say nothing to Tenuto, and `system_latency_s`, see below. */
  ignored: string[];
}

/**
 * A latency of another program's stream holds for no other: it is measured anew. Only that it is a
 * latency at all is looked at.
 */
const latencySchema = z.number().min(0).max(10);

const rateSchema = z.number().int().min(limits.rateHzMin).max(limits.rateHzMax);

function refuse(file: string, what: string): never {
  throw new TenutoError('TENUTO_SETTINGS_INVALID', `${file}: ${what}`);
}

/**
 * Reads EchoPi's `init.json`. Each value is checked as if it stood in a settings file; names that are
 * not known are told and passed over.
 *
 * @throws TenutoError `TENUTO_SETTINGS_INVALID`, `TENUTO_FILE_UNREADABLE`
 */
export function importEchoPi(file: string): EchoPiSettings {
  let text: string;
  try {
    const status = statSync(file);
    if (!status.isFile()) refuse(file, 'it is no file');
    if (status.size > limits.settingsBytesMax) refuse(file, 'it is too large');
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof TenutoError) throw cause;
    const reason = (cause as NodeJS.ErrnoException).code;
    const message = `${file} cannot be read (${reason})`;
    throw new TenutoError('TENUTO_FILE_UNREADABLE', message, { cause });
  }
  return readEchoPi(text, file);
}

/** The same from text; `file` is what messages call it. */
export function readEchoPi(text: string, file: string): EchoPiSettings {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new TenutoError('TENUTO_SETTINGS_INVALID', `${file}: it is no JSON`, { cause });
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    refuse(file, 'it is no object of settings');
  }
  const measure: Record<string, unknown> = {};
  const ignored: string[] = [];
  let rateHz: number | null = null;
  for (const [name, value] of Object.entries(content)) {
    const known = Object.hasOwn(names, name) ? names[name]! : undefined;
    if (name === 'sample_rate') {
      const parsed = rateSchema.safeParse(value);
      if (!parsed.success) refuse(file, `sample_rate: ${parsed.error.issues[0]?.message}`);
      rateHz = parsed.data;
    } else if (name === 'system_latency_s') {
      const parsed = latencySchema.safeParse(value);
      if (!parsed.success) refuse(file, `system_latency_s: ${parsed.error.issues[0]?.message}`);
      ignored.push(name);
    } else if (known === undefined) {
      ignored.push(name.slice(0, 64));
    } else {
      const scaled = typeof value === 'number' ? value * known.scale : value;
      const parsed = measureSchema.shape[known.key].safeParse(scaled);
      if (!parsed.success) refuse(file, `${name}: ${parsed.error.issues[0]?.message}`);
      measure[known.key] = parsed.data;
    }
  }
  return { measure: measure as Partial<MeasureSettings>, rateHz, ignored };
}
