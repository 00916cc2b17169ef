/** Control is killed again and again while commands come: none is lost, none is applied twice. */
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toBuffer } from 'osc-min';
import { connectEngine } from '../dist/client/index.js';
import { hashOf } from '../dist/control/bus/command-id.js';
import { Renderer } from '../dist/dsp/index.js';
import { decodeWhole } from '../dist/media/index.js';
import { killNow, monotonicNs } from '../dist/os/index.js';
import { benchSettings, demoPatch, startDemo, whole } from './engines.mjs';
import { median, ms } from './figures.mjs';
import { SealedCommands } from './sealed-commands.mjs';

const streams = 32;
const clients = 4;
const paths = ['breath.freq', 'padFilter.cutoff', 'hall.mix', 'windPan.position'];

/** Sends one command after the other until it is told to stop; keeps what was acknowledged. */
async function command(engine, number, ledger) {
  const connection = await connectEngine(engine.name);
  for (let i = 0; !ledger.isOver; i++) {
    const id = `${number}-${i}`;
    const [path, value] = [paths[number % paths.length], (i % 100) / 100];
    ledger.sent.push(id);
    const range = path === 'padFilter.cutoff' ? 200 + 2000 * value : value;
    try {
      ledger.acks.push(await connection.command({ id, do: 'set', path, value: range }));
    } catch (error) {
      ledger.unanswered.push(`${id}: ${error.code}`);
    }
    await delay(2);
  }
  connection.close();
}

/** Kills control, and measures until OSC answers again. */
async function killControl(engine, socket, port) {
  const { pid } = engine.status().processes.find(({ role }) => role === 'control');
  const fromNs = monotonicNs();
  killNow(pid);
  const asking = Buffer.from(toBuffer({ address: '/sync', args: [] }).buffer);
  let answered = false;
  socket.once('message', () => {
    answered = true;
  });
  while (!answered) {
    socket.send(asking, port, '127.0.0.1', () => {});
    await delay(4);
    if (monotonicNs() - fromNs > 20e9) throw new Error('control did not come back');
  }
  const backMs = (monotonicNs() - fromNs) / 1e6;
  // Answers to what was asked meanwhile.
  await delay(20);
  return backMs;
}

/** Renders what was sealed, tick by tick, and compares it with what was played. */
async function comparedWith(path, settings, rows) {
  const { rateHz: rate, channels } = settings.engine;
  const { samples } = await decodeWhole(path, { rate, channels });
  const none = Array.from({ length: streams }, () => ({
    samples: new Float32Array(channels),
    channels,
    frames: 1,
  }));
  const renderer = new Renderer(demoPatch(settings).program, { streams: none, assets: [] });
  const byTick = new Map();
  for (const { tick, words } of rows) byTick.set(tick, [...(byTick.get(tick) ?? []), words]);
  // The last quanta are those of the closing fade.
  const ticks = Math.floor(samples.length / renderer.output.length) - 16;
  for (let tick = 0; tick < ticks; tick++) {
    for (const words of byTick.get(tick) ?? []) renderer.apply(words, 0);
    renderer.render();
    for (let i = 0; i < renderer.output.length; i++) {
      const at = tick * renderer.output.length + i;
      if (!Object.is(samples[at], renderer.output[i])) return { ticks, difference: at };
    }
  }
  return { ticks, difference: null };
}

function judge(ledger, rows) {
  const sealed = new Map();
  for (const { tick, words } of rows) {
    const key = `${words[6]},${words[7]}`;
    sealed.set(key, [...(sealed.get(key) ?? []), tick]);
  }
  const of = (id) => {
    const { low, high } = hashOf(id);
    return sealed.get(`${low},${high}`) ?? [];
  };
  return {
    lost: ledger.acks.filter(({ id }) => of(id).length === 0).length,
    twice: ledger.sent.filter((id) => of(id).length > 1).length,
    elsewhere: ledger.acks.filter(({ id, tick }) => of(id)[0] !== tick).length,
  };
}

export async function* run({ full, kills = full ? 100 : 20, machine }) {
  const folder = mkdtempSync(join(tmpdir(), 'tenuto-bench-'));
  const socket = createSocket('udp4');
  try {
    const settings = benchSettings(['control.osc=127.0.0.1:0']);
    const recordPath = join(folder, 'kills.wav');
    const engine = await startDemo({ settings, recordPath });
    await whole(engine);
    // Control opens its doors after the sound is there.
    while (engine.status().control.osc === null) await delay(5);
    const [, port] = /:(\d+)$/.exec(engine.status().control.osc) ?? [];
    const commands = new SealedCommands(engine.memory);
    const watch = setInterval(() => commands.look(), 100);
    const ledger = { sent: [], acks: [], unanswered: [], isOver: false };
    const senders = Array.from({ length: clients }, (_, i) => command(engine, i, ledger));
    const backMs = [];
    for (let i = 0; i < kills; i++) {
      await delay(50 + 400 * Math.random());
      backMs.push(await killControl(engine, socket, Number(port)));
    }
    ledger.isOver = true;
    await Promise.all(senders);
    commands.look();
    clearInterval(watch);
    const { underruns, restartsControl } = engine.status().counters;
    await engine.stop();
    const { lost, twice, elsewhere } = judge(ledger, commands.rows);
    const { ticks, difference } = await comparedWith(recordPath, settings, commands.rows);
    yield {
      what: `${kills} SIGKILLs of control under commands`,
      target: 'each applied exactly once',
      measured: `${lost} lost, ${twice} twice, ${elsewhere} at another tick`,
      beside: `${ledger.acks.length} acknowledged, ${ledger.unanswered.length} unanswered, ${restartsControl} restarts`,
      met: lost + twice + elsewhere === 0,
    };
    yield {
      what: 'sound beside a rendering of what was sealed',
      target: 'equal',
      measured: difference === null ? `${ticks} quanta equal` : `differs at sample ${difference}`,
      beside: `${underruns} underruns`,
      met: difference === null,
    };
    yield {
      what: 'OSC answers again after a kill',
      target: '<= 500 ms',
      measured: `${ms(median(backMs))} median, ${ms(Math.max(...backMs))} at most`,
      beside: `an empty node program takes ${ms(machine.spawnMs)}`,
      met: Math.max(...backMs) <= 500,
    };
  } finally {
    socket.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
