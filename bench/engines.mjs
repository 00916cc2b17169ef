/** Engines for the benchmarks: of the built program, on the virtual device, with the demo patch. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../dist/client/index.js';
import { compilePatch, parsePatch } from '../dist/dsp/index.js';
import { loadSettings } from '../dist/settings/index.js';

export const demoFile = fileURLToPath(new URL('../examples/demo.yaml', import.meta.url));
export const cliFile = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

let started = 0;

/** Settings with a name and a port of their own; `set` as on the command line. */
export function benchSettings(set = []) {
  const name = `bench-${process.pid}-${started++}`;
  // What is harmed on purpose need not be told.
  // The past of a benchmark is of no use; what it costs to hold it has a benchmark of its own.
  const doors = [
    'control.http=127.0.0.1:0',
    'control.osc=off',
    'control.stateFile=off',
    'flight.minutes=0',
  ];
  const flags = { name, device: 'virtual', 'log-level': 'error', set: [...doors, ...set] };
  return loadSettings({ flags, env: {}, cwd: '/' });
}

export function demoPatch({ engine }) {
  const format = { rate: engine.rateHz, quantum: engine.quantumFrames, channels: engine.channels };
  return compilePatch(parsePatch(readFileSync(demoFile, 'utf8'), demoFile), format);
}

export function startDemo({ settings = benchSettings(), ...more } = {}) {
  return startEngine({ settings, patch: demoPatch(settings), ...more });
}

/** Resolves once every process of the engine is up. */
export async function whole(engine) {
  await engine.playing;
  for (;;) {
    const { processes } = engine.status();
    if (processes.every(({ state }) => state === 'running' || state === 'standby')) return;
    await delay(2);
  }
}

/** Runs `act` while programs that never wait load every core but none of real time. */
export async function underLoad(cores, act) {
  const hogs = Array.from({ length: cores }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );
  try {
    return await act();
  } finally {
    for (const hog of hogs) hog.kill('SIGKILL');
  }
}

const probeScript = fileURLToPath(new URL('realtime-probe.mjs', import.meta.url));

/** How late a real-time program is woken up that does nothing else, for so many seconds. */
export function probeRealtime(seconds) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [probeScript, String(seconds)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (part) => {
      text += part;
    });
    child.once('error', reject);
    child.once('close', () => resolve(JSON.parse(text)));
  });
}
