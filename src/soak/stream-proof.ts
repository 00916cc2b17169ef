import { closeSync, openSync, readSync } from 'node:fs';
import { endingGains } from '../dsp/nodes/stream-ending.js';
import { limits } from '../limits.js';
import { wavHeaderBytes } from '../media/wav-format.js';
import type { Layout } from '../memory/layout.js';
import type { StreamLedger } from './stream-ledger.js';
import { signalSample } from './stream-signal.js';

/** From a position of a stream's ring on, it holds the signal of `seed` from `frame` on. */
export interface StreamMark {
  stream: number;
  position: number;
  seed: number;
  frame: number;
  /** Monotonic; tells which of two marks at the same position is the later one. */
  timeNs: number;
}

/** What the recording must be, and whether it is. */
export interface StreamProof {
  /** Frames of all streams that the recording was compared with. */
  frames: number;
  /** First frame of the recording that is not the sum of what the streams played; null for none. */
  firstDifference: number | null;
  /** Frames that some tick played and that nobody had written. */
  strangeFrames: number;
  /** By seed: frames that ticks played of that signal. */
  playedOf: Map<number, number>;
}

interface Voice {
  marks: StreamMark[];
  next: number;
  mark: StreamMark | null;
  left: number;
  last: Float32Array;
}

/**
 * Predicts the recording from two things that do not know of each other: the journal, which says
 * how many frames of which stream a tick plays, and the marks of the clients, which say what they
 * wrote there. The sum is exact, so the recording must be the same bit for bit. The patch is silent.
 */
export async function proveStreams(
  path: string,
  layout: Pick<Layout, 'quantum' | 'channels' | 'rateHz'>,
  ledger: StreamLedger,
  marks: readonly StreamMark[],
): Promise<StreamProof> {
  const { quantum, channels, rateHz } = layout;
  const ending = endingGains(rateHz);
  const voices = Array.from({ length: limits.streamsMax }, (_, stream) => voiceOf(marks, stream));
  const playedOf = new Map<number, number>();
  const proof: StreamProof = { frames: 0, firstDifference: null, strangeFrames: 0, playedOf };
  const sum = new Float32Array(quantum * channels);
  const expected = Buffer.from(sum.buffer);
  const recorded = Buffer.alloc(expected.length);
  const fd = openSync(path, 'r');
  try {
    for (let tick = 0; tick < ledger.ticks; tick++) {
      sum.fill(0);
      const row = ledger.row(tick);
      for (let stream = 0, i = 0; stream < voices.length; stream++) {
        const plays = row[i] === stream;
        const count = plays ? row[i + 2]! : 0;
        const from = plays ? row[i + 1]! : 0;
        if (plays) i += 3;
        playVoice(voices[stream]!, { from, count }, { sum, channels, quantum, ending, proof });
      }
      const at = wavHeaderBytes(channels) + tick * recorded.length;
      const there = readSync(fd, recorded, 0, recorded.length, at);
      if (proof.firstDifference === null && !(there === expected.length && isSame(recorded, sum))) {
        proof.firstDifference = tick * quantum;
      }
      if (tick % 256 === 0) await new Promise(setImmediate);
    }
  } finally {
    closeSync(fd);
  }
  return proof;
}

/** Equal as numbers: what is added to silence may be a zero of either sign. */
function isSame(bytes: Buffer, sum: Float32Array): boolean {
  const found = new Float32Array(bytes.buffer, bytes.byteOffset, sum.length);
  return sum.every((sample, i) => sample === found[i]);
}

function voiceOf(marks: readonly StreamMark[], stream: number): Voice {
  const mine = marks.filter((mark) => mark.stream === stream);
  // The counts are far from their wrap in any storm.
  mine.sort((a, b) => a.position - b.position || a.timeNs - b.timeNs);
  return { marks: mine, next: 0, mark: null, left: 0, last: new Float32Array(limits.channelsMax) };
}

interface Stage {
  sum: Float32Array;
  channels: number;
  quantum: number;
  ending: Float32Array;
  proof: StreamProof;
}

function playVoice(voice: Voice, part: { from: number; count: number }, stage: Stage): void {
  const { sum, channels, quantum, ending, proof } = stage;
  const { last } = voice;
  for (let i = 0; i < part.count; i++) {
    const position = part.from + i;
    while ((voice.marks[voice.next]?.position ?? Number.POSITIVE_INFINITY) <= position) {
      voice.mark = voice.marks[voice.next++]!;
    }
    const { mark } = voice;
    if (mark === null) proof.strangeFrames++;
    else {
      const frame = mark.frame + position - mark.position;
      for (let c = 0; c < channels; c++) last[c] = signalSample(mark.seed, frame, c);
      proof.playedOf.set(mark.seed, (proof.playedOf.get(mark.seed) ?? 0) + 1);
    }
    proof.frames++;
    for (let c = 0; c < channels; c++) sum[i * channels + c]! += last[c]!;
  }
  if (part.count > 0) voice.left = ending.length - 1;
  for (let i = part.count; i < quantum && voice.left > 0; i++, voice.left--) {
    const gain = ending[voice.left]!;
    for (let c = 0; c < channels; c++) sum[i * channels + c]! += last[c]! * gain;
  }
}
