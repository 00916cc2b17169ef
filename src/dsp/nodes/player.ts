import { holdLevel } from '../level.js';
import { gatePort, type NodeDefinition, type NodeHost } from '../node.js';

// State: where in the asset (float64, frames), then 32-bit words.
const POSITION = 0;
const PLAYING = 2;
const WAS_OPEN = 3;
const LEVEL = 4;
const STATE_BYTES = 32;

/** A closing gate fades, for a cut in the middle of a wave clicks. */
const FADE_SEC = 0.005;

export const player: NodeDefinition = {
  type: 'player',
  summary: 'Plays a sound file from `assets`; starts when its gate opens.',
  ports: [
    gatePort('gate', 'Starts the file when it opens; fades it out in 5 ms when it closes.', 1),
    {
      name: 'speed',
      summary: '1 is the original pitch, 0 holds still, negative runs backwards.',
      unit: 'none',
      min: -8,
      max: 8,
      default: 1,
      smoothingMs: 20,
    },
    {
      name: 'gain',
      summary: 'The level.',
      unit: 'gain',
      min: 0,
      max: 16,
      default: 1,
      smoothingMs: 10,
    },
    {
      name: 'start',
      summary: 'Where in the file it starts.',
      unit: 's',
      min: 0,
      max: 86_400,
      default: 0,
      smoothingMs: 0,
    },
  ],
  options: {
    file: { kind: 'asset', summary: 'The name of the asset.' },
    loop: { kind: 'flag', default: false, summary: 'Whether it starts over at the end.' },
  },
  lanes: 'asset',
  stateBytes: () => STATE_BYTES,
  create,
};

/**
 * y = x(position), position += speed assetRate / rate. Between frames a cubic through the two
 * neighbours with the slopes of Catmull and Rom (1974); on a frame it is that frame bit for bit,
 * so a file at the engine's own rate passes unchanged. Outside of the file there is silence.
 */
function create(host: NodeHost): () => void {
  const { ctx, f32, i32, f64, block } = host;
  const asset = host.sources.assets[ctx.options.file!];
  const isLoop = ctx.options.loop! === 1;
  const word = host.state / 4;
  const place = host.state / 8 + POSITION;
  const output = host.output / 4;
  const port = block / 4 + 8;
  const ratio = asset ? asset.rate / ctx.rate : 1;
  const fade = 1 / (FADE_SEC * ctx.rate);
  if (!asset || asset.frames === 0) {
    return () => {
      f32.fill(0, output, output + ctx.quantum * 4);
    };
  }
  const { samples, frames, channels } = asset;
  const right = channels > 1 ? 1 : 0;
  return () => {
    let position = f64[place]!;
    let at = output;
    for (let i = 0; i < ctx.quantum; i++) {
      const isOpen = f32[(i32[port]! + i * i32[port + 1]!) >> 2]! > 0;
      if (isOpen && i32[word + WAS_OPEN] === 0) {
        const start = f32[(i32[port + 9]! + i * i32[port + 10]!) >> 2]! * asset.rate;
        position = start >= 0 && start < frames ? start : 0;
        i32[word + PLAYING] = 1;
        f32[word + LEVEL] = 1;
      }
      i32[word + WAS_OPEN] = isOpen ? 1 : 0;
      if (!isOpen && i32[word + PLAYING] === 1) {
        f32[word + LEVEL] = Math.max(0, f32[word + LEVEL]! - fade);
        if (f32[word + LEVEL] === 0) i32[word + PLAYING] = 0;
      }
      if (i32[word + PLAYING] === 0) {
        for (let lane = 0; lane < 4; lane++) f32[at + lane] = 0;
        at += 4;
        continue;
      }
      const level = f32[word + LEVEL]! * f32[(i32[port + 6]! + i * i32[port + 7]!) >> 2]!;
      // Positions are below 2^31, so this is the floor.
      const frame = position | 0;
      const t = position - frame;
      const b = frame * channels;
      const a = placeOf(frame - 1, frames, isLoop) * channels;
      const c = placeOf(frame + 1, frames, isLoop) * channels;
      const d = placeOf(frame + 2, frames, isLoop) * channels;
      for (let side = 0; side <= right; side++) {
        const y = samples[b + side]!;
        const before = a < 0 ? 0 : samples[a + side]!;
        const after = c < 0 ? 0 : samples[c + side]!;
        const slope = 0.5 * (after - before);
        const slopeNext = 0.5 * ((d < 0 ? 0 : samples[d + side]!) - y);
        const bend = slope + slopeNext + 2 * (y - after);
        const curve = 3 * (after - y) - 2 * slope - slopeNext + t * bend;
        f32[at + side] = (t === 0 ? y : y + t * (slope + t * curve)) * level;
        holdLevel(f32, at + side);
      }
      f32[at + 1] = f32[at + right]!;
      f32[at + 2] = f32[at]!;
      f32[at + 3] = f32[at + 1]!;
      at += 4;
      const speed = f32[(i32[port + 3]! + i * i32[port + 4]!) >> 2]!;
      position += (speed >= -8 && speed <= 8 ? speed : 0) * ratio;
      if (position >= frames || position < 0) {
        if (isLoop) position -= Math.floor(position / frames) * frames;
        else {
          i32[word + PLAYING] = 0;
          position = 0;
        }
      }
    }
    f64[place] = position;
  };
}

/** Where a frame outside of the file is read: round the loop, or nowhere (-1). */
function placeOf(frame: number, frames: number, isLoop: boolean): number {
  if (frame >= 0 && frame < frames) return frame;
  if (!isLoop) return -1;
  const over = frame % frames;
  return over < 0 ? over + frames : over;
}
