import { limits } from '../../limits.js';
import { LEVEL_MAX, LEVEL_MIN } from '../level.js';
import type { NodeContext, NodeDefinition, NodeHost, StreamView } from '../node.js';
import { endingGains } from './stream-ending.js';

const { streamsMax, channelsMax } = limits;
/**
 * The state, in words: per stream the frames read so far (uint32, wraps), then per stream the frames
 * left of the fall after the last one, then that frame of each, all channels of it.
 */
const POSITION = 0;
const LEFT = streamsMax;
const LAST = 2 * streamsMax;
const STATE_WORDS = LAST + streamsMax * channelsMax;

/** What programs play into streams that no node of the patch plays, on top of the patch. */
export const streams: NodeDefinition = {
  type: 'streams',
  summary: 'Mixes into the output what programs play into streams that the patch does not name.',
  ports: [],
  lanes: 'sink',
  stateBytes: () => STATE_WORDS * 4,
  streamPosition: (ctx, index) => (ctx.data.includes(index) ? undefined : POSITION + index),
  accepts: (ctx) => ctx.data.every((stream) => Number.isInteger(stream) && isStream(stream)),
  create,
};

function isStream(stream: number): boolean {
  return stream >= 0 && stream < streamsMax;
}

/** The streams that the patch plays itself are in the node's data; all others are mixed here. */
function create(host: NodeHost): () => void {
  const { buffer } = host.i32;
  const named = new Set(host.ctx.data);
  const views = host.sources.streams;
  const indexes = [...views.keys()].filter((index) => isStream(index) && !named.has(index));
  const mixers = indexes.map((index) => mixer(host, index, views[index]!));
  const streamOf = Int32Array.from(indexes);
  const ends = new Int32Array(buffer, host.streamEnds, streamsMax);
  const positions = new Int32Array(buffer, host.state + POSITION * 4, streamsMax);
  const left = new Int32Array(buffer, host.state + LEFT * 4, streamsMax);
  return () => {
    for (let i = 0; i < streamOf.length; i++) {
      const stream = streamOf[i]!;
      if (ends[stream] !== positions[stream] || left[stream] !== 0) mixers[i]!();
    }
  };
}

/**
 * Adds frames [position, min(position + quantum, end)) of one ring to the device, channel by
 * channel and unaltered; NaN and what is no sensible level becomes silence. Where content ends, what
 * follows falls from its last frame; where it goes on, its next frame is next.
 */
function mixer(host: NodeHost, index: number, view: StreamView): () => void {
  const { i32, device } = host;
  const { quantum, rate, channels }: NodeContext = host.ctx;
  const { samples, frames, channels: held } = view;
  const position = host.state / 4 + POSITION + index;
  const left = host.state / 4 + LEFT + index;
  const end = host.streamEnds / 4 + index;
  const lastAt = host.state + (LAST + index * channelsMax) * 4;
  const last = new Float32Array(i32.buffer, lastAt, channelsMax);
  const used = Math.min(channels, held);
  const ending = endingGains(rate);
  return () => {
    const from = i32[position]!;
    // Signed difference: both counters wrap.
    const waiting = Math.max(0, (i32[end]! - from) | 0);
    const count = Math.min(quantum, waiting);
    const fall = count > 0 ? ending.length - 1 : i32[left]!;
    const fallEnd = Math.min(quantum, count + fall);
    const first = from & (frames - 1);
    // Frames before the end of the ring; the others are at its start.
    const straight = Math.min(count, frames - first);
    for (let c = 0; c < used; c++) {
      let at = c;
      let source = first * held + c;
      let sample = last[c]!;
      for (let i = 0; i < count; i++) {
        if (i === straight) source = c;
        sample = samples[source]!;
        const magnitude = Math.abs(sample);
        if (!(magnitude >= LEVEL_MIN && magnitude <= LEVEL_MAX)) sample = 0;
        device[at] = device[at]! + sample;
        source += held;
        at += channels;
      }
      last[c] = sample;
      for (let i = count, gain = fall; i < fallEnd; i++, gain--) {
        device[at] = device[at]! + sample * ending[gain]!;
        at += channels;
      }
    }
    i32[left] = fall - (fallEnd - count);
    i32[position] = (from + count) | 0;
  };
}
