/** OSC bundles with time tags: each takes effect on the frame that its tag names. */
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toBuffer } from 'osc-min';
import { startEngine } from '../dist/client/index.js';
import { compilePatch, parsePatch } from '../dist/dsp/index.js';
import { decodeWhole } from '../dist/media/index.js';
import { benchSettings, whole } from './engines.mjs';

const bundles = 1000;
/** From one bundle to the next: longer than the 5 ms in which a level gets where it goes. */
const everyFrames = 600;
const text = `
nodes:
  left: { type: gain, in: 0 }
  right: { type: gain, in: 0 }
  wideLeft: { type: pan, in: left, position: -1 }
  wideRight: { type: pan, in: right, position: 1 }
  out: { type: out, in: [wideLeft, wideRight] }
`;

/** Frames at which a channel begins to move. */
function onsets(samples, channel) {
  const found = [];
  for (let frame = 1; frame * 2 < samples.length; frame++) {
    const before = samples[(frame - 1) * 2 + channel];
    if (samples[frame * 2 + channel] === before) continue;
    // It moves for 240 frames; the next one comes later.
    found.push(frame);
    frame += 400;
  }
  return found;
}

export async function* run() {
  const folder = mkdtempSync(join(tmpdir(), 'tenuto-bench-'));
  try {
    const settings = benchSettings(['control.osc=127.0.0.1:0']);
    const { rateHz: rate, quantumFrames: quantum, channels } = settings.engine;
    const patch = compilePatch(parsePatch(text, 'steps.yaml'), { rate, quantum, channels });
    const recordPath = join(folder, 'bundles.wav');
    const engine = await startEngine({ settings, patch, recordPath });
    await whole(engine);
    const expected = await send(engine, { rate, quantum });
    const lastFrame = expected.at(-1) + everyFrames;
    while (engine.status().playedSec * rate < lastFrame) await delay(50);
    const { commandsLate, commandsRefused, underruns, takeovers } = engine.status().counters;
    await engine.stop();
    const { samples } = await decodeWhole(recordPath, { rate, channels: 2 });
    // After that the engine fades out.
    const played = samples.subarray(0, lastFrame * 2);
    const heard = [onsets(played, 0), onsets(played, 1)];
    const offs = heard.flatMap((list) => expected.map((frame, i) => (list[i] ?? 0) - frame));
    const [least, most] = [Math.min(...offs), Math.max(...offs)];
    yield {
      what: `${bundles} bundles with a time tag`,
      target: 'exact frame, jitter 0',
      measured: `off by ${least} to ${most} frames, jitter ${most - least}`,
      beside: `${heard[0].length} heard, ${commandsLate} late, ${commandsRefused} refused, ${underruns} underruns, ${takeovers} takeovers`,
      met: least === 0 && most === 0 && heard.every((list) => list.length === bundles),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Sends all bundles some time ahead of their tags; resolves with the frames that those name. */
async function send(engine, { rate, quantum }) {
  const [, port] = /:(\d+)$/.exec(engine.status().control.osc) ?? [];
  const socket = createSocket('udp4');
  const { clock } = await engine.get('left');
  const [anchorSec, anchorFraction] = clock.ntp;
  const anchorFrame = clock.tick * quantum;
  const firstFrame = (engine.status().tick + 400) * quantum + 77;
  const expected = [];
  for (let i = 0; i < bundles; i++) {
    // Odd frames, so that none is at the start of a quantum by chance.
    const frame = firstFrame + i * everyFrames + ((i * 37) % 61);
    expected.push(frame);
    const sinceSec = (frame - anchorFrame) / rate + anchorFraction / 2 ** 32;
    const seconds = anchorSec + Math.floor(sinceSec);
    const fraction = Math.round((sinceSec - Math.floor(sinceSec)) * 2 ** 32);
    const value = i % 2 === 0 ? 0.5 : 0.125;
    const elements = ['left', 'right'].map((node) => ({
      address: `/mod/${node}/in`,
      args: [value],
    }));
    const bytes = toBuffer({ timetag: [seconds, fraction], elements });
    while ((frame / quantum - engine.status().tick) * (quantum / rate) > 0.7) await delay(10);
    socket.send(Buffer.from(bytes.buffer), Number(port), '127.0.0.1');
  }
  await delay(100);
  socket.close();
  return expected;
}
