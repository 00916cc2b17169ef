/** From the call to the first quantum that the device was given. */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { benchSettings, cliFile, demoFile, demoPatch, startDemo } from './engines.mjs';
import { median, ms, times } from './figures.mjs';

async function libraryMs() {
  const settings = benchSettings();
  const patch = demoPatch(settings);
  const from = performance.now();
  const engine = await startDemo({ settings, patch });
  while (engine.status().counters.quanta === 0) await delay(1);
  const took = performance.now() - from;
  await engine.stop();
  return took;
}

async function commandMs() {
  const { name } = benchSettings().engine;
  const from = performance.now();
  const args = [cliFile, 'run', demoFile, '--name', name, '--device', 'virtual'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const took = await new Promise((resolve) => {
    child.stdout.once('data', () => resolve(performance.now() - from));
  });
  child.kill('SIGINT');
  await new Promise((resolve) => child.once('close', resolve));
  return took;
}

export async function* run({ full, machine }) {
  const rounds = full ? 20 : 5;
  for (const [what, measure] of [
    ['start to first quantum, from the library', libraryMs],
    ['start to first quantum, from `tenuto run`', commandMs],
  ]) {
    const took = [];
    for (let i = 0; i < rounds; i++) took.push(await measure());
    yield {
      what,
      target: '<= 400 ms',
      measured: `${ms(median(took))} median, ${ms(Math.max(...took))} max (${rounds})`,
      beside: `${times(median(took) / machine.spawnMs)} an empty node program`,
      met: median(took) <= 400,
    };
  }
}
