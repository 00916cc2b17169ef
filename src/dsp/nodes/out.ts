import { holdLevel } from '../level.js';
import { type NodeDefinition, type NodeHost, signalPort } from '../node.js';

export const out: NodeDefinition = {
  type: 'out',
  summary:
    'Plays on the device. Mono goes to all channels of a pair, stereo to two channels; ' +
    'several `out` nodes add up.',
  ports: [signalPort('in', 'The sound, mono or stereo.')],
  options: {
    channel: {
      kind: 'number',
      unit: 'none',
      min: 1,
      max: 8,
      default: 1,
      integer: true,
      summary: 'The first channel of the device to play on.',
    },
  },
  lanes: 'sink',
  stateBytes: () => 0,
  create,
};

/** A device of one channel gets the mean of left and right. */
function create(host: NodeHost): () => void {
  const { ctx, f32, i32, device } = host;
  const { quantum, channels } = ctx;
  const port = host.block / 4 + 8;
  const first = Math.min(ctx.options.channel! - 1, channels - 1);
  const isPair = first + 1 < channels;
  const rightLane = ctx.inputs[0]!.width === 'stereo' ? 1 : 0;
  return () => {
    let at = i32[port]! >> 2;
    const step = i32[port + 1]! >> 2;
    for (let i = 0; i < quantum; i++) {
      const frame = i * channels + first;
      if (isPair) {
        device[frame] = device[frame]! + f32[at]!;
        device[frame + 1] = device[frame + 1]! + f32[at + rightLane]!;
        holdLevel(device, frame + 1);
      } else {
        device[frame] = device[frame]! + 0.5 * (f32[at]! + f32[at + rightLane]!);
      }
      holdLevel(device, frame);
      at += step;
    }
  };
}
