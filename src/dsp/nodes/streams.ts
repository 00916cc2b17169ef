import { limits } from '../../limits.js';
import { LEVEL_MAX, LEVEL_MIN } from '../level.js';
import type { NodeContext, NodeDefinition, NodeHost, StreamView } from '../node.js';
import { endingGains } from './stream-ending.js';

/**
 * Words of each stream's state: frames read so far (uint32, wraps), frames left of the fall after
 * the last one, and that frame, all channels of it.
 */
const POSITION = 0;
const LEFT = 1;
const LAST = 2;
const STATE_WORDS = LAST + limits.channelsMax;

/** What programs play into streams that no node of the patch plays, on top of the patch. */
export const streams: NodeDefinition = {
  type: 'streams',
  summary: 'Mixes into the output what programs play into streams that the patch does not name.',
  ports: [],
  lanes: 'sink',
  stateBytes: () => limits.streamsMax * STATE_WORDS * 4,
  accepts: (ctx) => ctx.data.every((stream) => Number.isInteger(stream) && isStream(stream)),
  create,
};

function isStream(stream: number): boolean {
  return stream >= 0 && stream < limits.streamsMax;
}

/** The streams that the patch plays itself are in the node's data; all others are mixed here. */
function create(host: NodeHost): () => void {
  const { i32 } = host;
  const named = new Set(host.ctx.data);
  const views = host.sources.streams;
  const indexes = [...views.keys()].filter((index) => isStream(index) && !named.has(index));
  const mixers = indexes.map((index) => mixer(host, index, views[index]!));
  const ends = Int32Array.from(indexes, (index) => host.streamEnds / 4 + index);
  const states = Int32Array.from(indexes, (index) => stateOf(host, index));
  return () => {
    for (let i = 0; i < mixers.length; i++) {
      const state = states[i]!;
      const isIdle = i32[ends[i]!]! === i32[state + POSITION]! && i32[state + LEFT]! === 0;
      if (!isIdle) mixers[i]!();
    }
  };
}

function stateOf(host: Pick<NodeHost, 'state'>, index: number): number {
  return host.state / 4 + index * STATE_WORDS;
}

/**
 * Adds frames [position, min(position + quantum, end)) of one ring to the device, channel by
 * channel and unaltered; NaN and what is no sensible level becomes silence. Where content ends, what
 * follows falls from its last frame; where it goes on, its next frame is next.
 */
function mixer(host: NodeHost, index: number, view: StreamView): () => void {
  const { f32, i32, device } = host;
  const { quantum, rate, channels }: NodeContext = host.ctx;
  const { samples, frames, channels: held } = view;
  const state = stateOf(host, index);
  const position = state + POSITION;
  const left = state + LEFT;
  const last = state + LAST;
  const end = host.streamEnds / 4 + index;
  const used = Math.min(channels, held);
  const ending = endingGains(rate);
  return () => {
    const from = i32[position]!;
    // Signed difference: both counters wrap.
    const waiting = Math.max(0, (i32[end]! - from) | 0);
    const count = Math.min(quantum, waiting);
    for (let i = 0; i < count; i++) {
      const frame = ((from + i) & (frames - 1)) * held;
      for (let c = 0; c < used; c++) {
        const sample = samples[frame + c]!;
        const magnitude = Math.abs(sample);
        const isSound = magnitude >= LEVEL_MIN && magnitude <= LEVEL_MAX;
        f32[last + c] = isSound ? sample : 0;
        device[i * channels + c] = device[i * channels + c]! + f32[last + c]!;
      }
    }
    if (count > 0) i32[left] = ending.length - 1;
    for (let i = count; i < quantum && i32[left]! > 0; i++) {
      const gain = ending[i32[left]!]!;
      for (let c = 0; c < used; c++) {
        device[i * channels + c] = device[i * channels + c]! + f32[last + c]! * gain;
      }
      i32[left] = i32[left]! - 1;
    }
    i32[position] = (from + count) | 0;
  };
}
