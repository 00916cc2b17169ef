import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TenutoError } from '../errors.js';
import { measureSchema } from '../settings/index.js';
import { importEchoPi, readEchoPi } from './echopi.js';

const usual = {
  system_latency_s: 0.00121,
  min_distance_m: 0,
  max_distance_m: 17,
  start_freq_hz: 2000,
  end_freq_hz: 20_000,
  chirp_duration_s: 0.05,
  amplitude: 0.8,
  medium: 'air',
  update_rate_hz: 2,
  filter_size: 3,
  sample_rate: 48_000,
};
const read = (content: unknown) => readEchoPi(JSON.stringify(content), 'init.json');

describe("EchoPi's settings", () => {
  it('become those of Tenuto, but for a latency that was measured elsewhere', () => {
    expect(read(usual)).toEqual({
      measure: {
        minM: 0,
        maxM: 17,
        startHz: 2000,
        endHz: 20_000,
        durationMs: 50,
        amplitude: 0.8,
        medium: 'air',
        updateHz: 2,
        filterSize: 3,
      },
      rateHz: 48_000,
      ignored: ['system_latency_s'],
    });
    expect(read({ theme: 'dark' }).ignored).toEqual(['theme']);
  });

  it('are refused with the name that is wrong', () => {
    const wrong: [object | string, RegExp][] = [
      [{ amplitude: 5 }, /amplitude/],
      [{ amplitude: '0.8' }, /amplitude/],
      [{ amplitude: null }, /amplitude/],
      [{ sample_rate: 1 }, /sample_rate/],
      [{ filter_size: 2.5 }, /filter_size/],
      [{ medium: 'lava' }, /medium/],
      [{ system_latency_s: -1 }, /system_latency_s/],
      [[], /no object/],
    ];
    for (const [content, message] of wrong) expect(() => read(content)).toThrow(message);
    expect(() => readEchoPi('{', 'init.json')).toThrow(/no JSON/);
    expect(() => importEchoPi('/nowhere/init.json')).toThrow(/ENOENT/);
    expect(() => importEchoPi('/')).toThrow(/no file/);
    expect(() => importEchoPi('/dev/zero')).toThrow(/no file/);
  });

  it('of any hostile kind are refused or sound, and reach no prototype', () => {
    const name = fc.constantFrom(...Object.keys(usual), '__proto__', 'constructor', 'toString');
    const content = fc.dictionary(name, fc.anything());
    fc.assert(
      fc.property(fc.oneof(content, fc.json(), fc.string()), (given) => {
        try {
          const text = typeof given === 'string' ? given : (JSON.stringify(given) ?? '');
          const { measure } = readEchoPi(text, 'init.json');
          expect(measureSchema.partial().safeParse(measure).success).toBe(true);
          expect(Object.getPrototypeOf(measure)).toBe(Object.prototype);
        } catch (error) {
          expect(error).toBeInstanceOf(TenutoError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
