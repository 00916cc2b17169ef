import { limits } from '../../limits.js';
import { holdLevel } from '../level.js';
import type { NodeDefinition, NodeHost } from '../node.js';
import { endingGains } from './stream-ending.js';

/**
 * Words of the state: frames read so far (uint32, wraps), frames left of the fall after the last
 * one, and that frame, left and right.
 */
const POSITION = 0;
const LEFT = 1;
const LAST = 2;

export const stream: NodeDefinition = {
  type: 'stream',
  summary:
    'What a client program plays into stream `stream`, from its first frame on. ' +
    'While nothing new has arrived it falls silent within 5 ms and its content waits.',
  ports: [
    {
      name: 'gain',
      summary: 'The level.',
      unit: 'gain',
      min: 0,
      max: 16,
      default: 1,
      smoothingMs: 10,
    },
  ],
  options: {
    stream: {
      kind: 'number',
      unit: 'none',
      min: 0,
      max: limits.streamsMax - 1,
      default: 0,
      integer: true,
      summary: 'Which of the streams, from 0.',
    },
  },
  lanes: 'stereo',
  stateBytes: () => 16,
  streamPosition: (ctx, index) => (ctx.options.stream === index ? POSITION : undefined),
  create,
};

/**
 * Reads frames [position, min(position + quantum, end)) of the ring, mono on both lanes, and of
 * more than two channels the first two. A gain of 1 passes every finite sample bit for bit. Where
 * content ends, what follows falls from the last frame; where it goes on, its next frame is next.
 */
function create(host: NodeHost): () => void {
  const { ctx, f32, i32 } = host;
  const source = ctx.options.stream!;
  const view = host.sources.streams[source];
  const position = host.state / 4 + POSITION;
  const left = host.state / 4 + LEFT;
  const last = host.state / 4 + LAST;
  const end = host.streamEnds / 4 + source;
  const output = host.output / 4;
  const gainPort = host.block / 4 + 8;
  const right = view && view.channels > 1 ? 1 : 0;
  const ending = endingGains(ctx.rate);
  return () => {
    const from = i32[position]!;
    // Signed difference: both counters wrap.
    const waiting = Math.max(0, (i32[end]! - from) | 0);
    const count = view ? Math.min(ctx.quantum, waiting) : 0;
    let gainAt = i32[gainPort]! >> 2;
    const gainStep = i32[gainPort + 1]! >> 2;
    let at = output;
    for (let i = 0; i < count; i++) {
      const frame = ((from + i) & (view!.frames - 1)) * view!.channels;
      f32[last] = view!.samples[frame]!;
      f32[last + 1] = view!.samples[frame + right]!;
      holdLevel(f32, last);
      holdLevel(f32, last + 1);
      f32[at] = f32[last]! * f32[gainAt]!;
      f32[at + 1] = f32[last + 1]! * f32[gainAt]!;
      holdLevel(f32, at);
      holdLevel(f32, at + 1);
      f32[at + 2] = f32[at]!;
      f32[at + 3] = f32[at + 1]!;
      at += 4;
      gainAt += gainStep;
    }
    if (count > 0) i32[left] = ending.length - 1;
    for (let i = count; i < ctx.quantum && i32[left]! > 0; i++) {
      const gain = ending[i32[left]!]! * f32[gainAt]!;
      f32[at] = f32[last]! * gain;
      f32[at + 1] = f32[last + 1]! * gain;
      holdLevel(f32, at);
      holdLevel(f32, at + 1);
      f32[at + 2] = f32[at]!;
      f32[at + 3] = f32[at + 1]!;
      i32[left] = i32[left]! - 1;
      at += 4;
      gainAt += gainStep;
    }
    f32.fill(0, at, output + ctx.quantum * 4);
    i32[position] = (from + count) | 0;
  };
}
