// Plays a voice over OSC, from any program and any language that has it:
//
//   npx tenuto run examples/osc/voice.yaml &
//   node examples/osc/sequencer.ts            (Node 22.18 or newer)
//
// Each step is a bundle with the time at which it is to sound. It is sent a little ahead, so that
// neither this program's timer nor the network is heard: it takes effect on that very frame.
import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import { dateToTimetag, toBuffer } from 'osc-min';

const port = Number(process.env.OSC_PORT ?? 5005);
const steps = Number(process.argv[2] ?? 128);
const stepMs = 60_000 / 112 / 4;
const aheadMs = 100;
const line = [45, 45, 57, 48, 0, 45, 52, 0, 45, 57, 50, 0, 45, 47, 0, 43];

const socket = createSocket('udp4');
const hertz = (note: number) => 440 * 2 ** ((note - 69) / 12);
const message = (address: string, ...values: number[]) => ({
  address,
  args: values.map((value) => ({ type: 'float' as const, value })),
});

function play(atMs: number, ...elements: ReturnType<typeof message>[]): void {
  const timetag = dateToTimetag(new Date(atMs));
  const bundle = toBuffer({ timetag, elements });
  socket.send(new Uint8Array(bundle.buffer, bundle.byteOffset, bundle.byteLength), port);
}

const begunMs = Date.now() + aheadMs;
for (let step = 0; step < steps; step++) {
  const atMs = begunMs + step * stepMs;
  await delay(Math.max(0, atMs - aheadMs - Date.now()));
  const note = line[step % line.length] ?? 0;
  if (note === 0) continue;
  const cutoff = 500 + 400 * Math.sin(step / 20);
  play(
    atMs,
    message('/mod/osc1/freq', hertz(note)),
    message('/mod/filter1/cutoff', cutoff),
    message('/gate/env', 1),
  );
  play(atMs + stepMs * 0.6, message('/gate/env', 0));
}
await delay(2 * aheadMs);
socket.close();
