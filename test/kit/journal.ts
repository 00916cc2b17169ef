import { writeFileSync } from 'node:fs';
import { Renderer } from '../../src/dsp/renderer.js';
import { ChunkKind, encodeChunk } from '../../src/flight/chunk.js';
import { mixSum } from '../../src/flight/follower.js';
import { encodeHead, encodeProgramRecord, journalFormat } from '../../src/flight/records.js';
import { encodeStep, type Step } from '../../src/flight/step.js';
import { checksumWords } from '../../src/memory/checksum.js';
import { laneCount, OutputKind } from '../../src/memory/layout.js';
import { compileText, format } from './patches.js';

const patch = `
nodes:
  tone: { type: osc, shape: saw, freq: 110 }
  out: { type: out, in: tone }
`;

const ticksInStep = 16;
const streamFrames = 128;

/** The chunks of a journal of a tone and a stream, as they stand in the file. */
export function journalChunks(steps: number): Buffer[] {
  const { program, names, hash, source } = compileText(patch);
  const info = Buffer.from(JSON.stringify({ names, hash, source }));
  const { rate: rateHz, quantum, channels } = format;
  const head = {
    format: journalFormat,
    engine: 'test',
    session: '1-2',
    startedMs: 0,
    geometry: { quantum, rateHz, channels, lead: 4, firstTick: 0 },
    version: '0',
    kernels: '',
  };
  const samples = Float32Array.from({ length: streamFrames * channels * ticksInStep }, (_, i) =>
    Math.sin(i),
  );
  const views = Array.from({ length: 32 }, () => ({
    samples: new Float32Array(samples.length * 4),
    channels,
    frames: streamFrames * ticksInStep * 4,
  }));
  const renderer = new Renderer(program, { streams: views, assets: [] });
  const payloads: [ChunkKind, Uint8Array][] = [
    [ChunkKind.head, encodeHead(head)],
    [
      ChunkKind.program,
      encodeProgramRecord({ number: 1, hasOwnNodes: false, assets: [], info, program }),
    ],
  ];
  for (let index = 0; index < steps; index++) {
    payloads.push([ChunkKind.step, encodeStep(stepOf(index, renderer, views[0]!, samples))]);
  }
  payloads.push([ChunkKind.end, Buffer.alloc(0)]);
  return payloads.map(([kind, payload], number) => encodeChunk(kind, number, payload));
}

export function writeJournal(path: string, chunks: readonly Uint8Array[]): void {
  writeFileSync(path, Buffer.concat(chunks));
}

function stepOf(
  index: number,
  renderer: Renderer,
  ring: { samples: Float32Array; frames: number },
  samples: Float32Array,
): Step {
  const firstTick = index * ticksInStep;
  const from = firstTick * streamFrames;
  ring.samples.set(samples, (from % ring.frames) * format.channels);
  const streamCursors = new Int32Array(32);
  streamCursors[0] = from + ticksInStep * streamFrames;
  let sum = 0;
  for (let i = 0; i < ticksInStep; i++) {
    renderer.setStreamEnd(0, from + (i + 1) * streamFrames);
    renderer.render();
    const { output } = renderer;
    const words = new Int32Array(output.buffer, output.byteOffset, output.length);
    sum = mixSum(sum, checksumWords(words, 0, words.length));
  }
  const play = { position: firstTick, tick: firstTick, quanta: ticksInStep };
  return {
    firstTick,
    ticks: ticksInStep,
    busy: Array.from({ length: ticksInStep }, (_, i) => ({
      tick: firstTick + i,
      fate: 0,
      commands: new Int32Array(0),
      streams: [{ stream: 0, frames: streamFrames }],
    })),
    parts: [{ stream: 0, from, samples }],
    played: [{ ...play, kind: OutputKind.content, generation: 1, sum }],
    events: [],
    laneCursors: new Int32Array(laneCount),
    streamCursors,
    nextPosition: firstTick + ticksInStep,
    lastEvent: 0,
    timeMs: index * 40,
    clockUs: 0,
  };
}
