/** `jack_iodelay` on a dummy server whose loop is so many frames long, beside the same loop here. */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { measureLatency, PersistentStream } from '../dist/measure/index.js';
import { benchSettings } from './engines.mjs';

const patienceMs = 15_000;

/** What it reads, in frames; null where JACK is not there or does not start. */
async function readJack(periodFrames) {
  const name = `tenuto-bench-${process.pid}-${periodFrames}`;
  const env = {
    ...process.env,
    JACK_DEFAULT_SERVER: name,
    JACK_NO_AUDIO_RESERVATION: '1',
    LC_ALL: 'C',
  };
  const children = [];
  const start = (program, args, stdio) => {
    const child = spawn(program, args, { env, stdio });
    child.on('error', () => {});
    children.push(child);
    return child;
  };
  const driver = ['-d', 'dummy', '-r', '48000', '-p', `${periodFrames}`, '-C', '2', '-P', '2'];
  try {
    start('jackd', ['-n', name, '--no-realtime', ...driver], 'ignore');
    const meter = start('stdbuf', ['-oL', 'jack_iodelay'], ['ignore', 'pipe', 'ignore']);
    let text = '';
    meter.stdout?.on('data', (data) => {
      text += data;
    });
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      await delay(300);
      const last = [...text.matchAll(/^\s*(\d+\.\d+) frames/gm)].at(-1);
      if (last !== undefined) return Number(last[1]);
      // It answers only to a server that is up, and connects nothing by itself.
      if (meter.exitCode !== null) return await again(env, start, deadline);
      const cable = spawn('jack_connect', ['jack_delay:out', 'jack_delay:in'], {
        env,
        stdio: 'ignore',
      });
      cable.on('error', () => {});
    }
    return null;
  } finally {
    for (const child of children.reverse()) child.kill('SIGKILL');
  }
}

/** The meter was quicker than the server: once more, now that this is up. */
async function again(env, start, deadline) {
  while (performance.now() < deadline) {
    const meter = start('stdbuf', ['-oL', 'jack_iodelay'], ['ignore', 'pipe', 'ignore']);
    let text = '';
    meter.stdout?.on('data', (data) => {
      text += data;
    });
    for (let i = 0; i < 20 && meter.exitCode === null; i++) {
      await delay(300);
      const last = [...text.matchAll(/^\s*(\d+\.\d+) frames/gm)].at(-1);
      if (last !== undefined) return Number(last[1]);
      const cable = spawn('jack_connect', ['jack_delay:out', 'jack_delay:in'], {
        env,
        stdio: 'ignore',
      });
      cable.on('error', () => {});
    }
  }
  return null;
}

export async function* jackFrames() {
  for (const frames of [128, 256, 1024]) {
    const theirs = await readJack(frames);
    const calm = ['engine.leadQuanta=32', 'watchdog.driverQuanta=200'];
    const loop = [`device.virtual.loopbackFrames=${frames}`, ...calm];
    const settings = benchSettings(['device.capture=virtual', ...loop]);
    const stream = await PersistentStream.open({ settings });
    const measuring = measureLatency(stream, { runs: 10, maxMs: 100 });
    const latency = await measuring.finally(() => stream.close());
    yield {
      what: `a loop of ${frames} frames`,
      target: 'the same as jack_iodelay',
      measured: `${latency.frames.toFixed(3)} frames`,
      beside:
        theirs === null ? 'jack_iodelay could not be run' : `jack_iodelay ${theirs.toFixed(3)}`,
      met: Math.abs(latency.frames - (theirs ?? frames)) <= 0.01,
    };
  }
}
