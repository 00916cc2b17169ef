import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { cliFile } from '../kit/sonar.js';

/** What a command of measuring answers to: its status, and what it says about why. */
function run(args: readonly string[]): Promise<{ status: number; said: string }> {
  return new Promise((resolve) => {
    const all = [cliFile, ...args, '--device', 'virtual', '--set', 'engine.leadQuanta=32'];
    execFile(process.execPath, all, (error, _, said) => {
      resolve({ status: Number(error?.code ?? 0), said });
    });
  });
}

const setAll = (values: readonly string[]) => values.flatMap((value) => ['--set', value]);
const room = (more: object) => `device.virtual.room=${JSON.stringify(more)}`;
const short = ['measure.maxM=4', 'measure.durationMs=20'];

it.each([
  ['a frequency that no rate carries', 'MEASURE_PARAMETERS', /40000 Hz is beyond/, ['endHz=40000']],
  [
    'a chirp beyond the transducer',
    'MEASURE_PARAMETERS',
    /transducer's 0 to 9000/,
    ['highHz=9000'],
  ],
  ['a tone', 'MEASURE_PARAMETERS', /a tone has no place in time/, ['startHz=900', 'endHz=900']],
  ['an amplitude beyond full scale', 'USAGE', /measure\.amplitude: too big/, ['amplitude=1.5']],
  ['a range that ends before it begins', 'MEASURE_PARAMETERS', /minM < maxM/, ['minM=5']],
  ['a channel that is not captured', 'MEASURE_PARAMETERS', /no channel 7/, ['channel=7']],
] as const)('%s is refused with its remedy', async (_, code, message, chosen) => {
  const set = chosen.map((one) => `measure.${one}`);
  const { status, said } = await run(['distance', ...setAll([room({}), ...short, ...set])]);
  expect(status).toBeGreaterThan(0);
  expect(said).toMatch(`TENUTO_${code}`);
  expect(said).toMatch(message);
  expect(said).toMatch(/remedy: \S/);
});

it('more rangings a second than there is time for are refused, and the most is named', async () => {
  const { status, said } = await run(['sonar', '--update-hz', '10', ...setAll([room({})])]);
  expect(status).toBeGreaterThan(0);
  expect(said).toMatch(/TENUTO_MEASURE_PARAMETERS: updateHz: 10 .* at most 9\.8 a second/);
});

it('an input that is silent or overdriven is told apart from one where nothing arrives', async () => {
  const rooms = [
    [{ direct: 0, noiseDb: -200 }, 'MEASURE_SILENT'],
    [{ gain: 1 }, 'MEASURE_CLIPPED'],
    [{ direct: 0, noiseDb: -60 }, 'MEASURE_NOTHING'],
  ] as const;
  for (const [more, code] of rooms) {
    const { said } = await run(['distance', ...setAll([room(more), ...short])]);
    expect(said).toMatch(`TENUTO_${code}`);
    expect(said).toMatch(/remedy: \S/);
  }
});

it('a calibration that is missing, hostile or of another stream is refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenuto-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'calibration.json');
  const set = setAll([room({ targets: [{ distanceM: 2 }] }), ...short]);
  const kept = [...set, '--set', `measure.calibration=${file}`];
  expect((await run(['distance', '--calibrated', ...kept])).said).toMatch(
    /TENUTO_CALIBRATION_MISSING.*calibration\.json/,
  );
  writeFileSync(file, '{"v":1,"__proto__":{"stream":1}}');
  expect((await run(['distance', '--calibrated', ...kept])).said).toMatch(
    /TENUTO_CALIBRATION_INVALID.*calibration\.json/,
  );
  expect(await run(['latency', '--runs', '2', '--save', ...kept])).toMatchObject({ status: 0 });
  const { status, said } = await run(['distance', '--calibrated', ...kept]);
  expect(status).toBeGreaterThan(0);
  expect(said).toMatch(/TENUTO_CALIBRATION_STALE.*another start of an engine/);
});

it('a hostile settings file is refused with its place', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenuto-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const contents = [
    'measure: { maxM: .inf }',
    'measure: { kernelPatterns: 7 }',
    'measure: [1, 2]',
    'measure: { __proto__: { maxM: 1 } }',
    'measure: &a { maxM: *a }',
    '\u0000\u0001',
  ];
  for (const [i, text] of contents.entries()) {
    const file = join(folder, `${i}.yaml`);
    writeFileSync(file, text);
    const { status, said } = await run(['distance', '--config', file]);
    expect(status).toBeGreaterThan(0);
    expect(said).toMatch(/TENUTO_SETTINGS_INVALID/);
  }
});
