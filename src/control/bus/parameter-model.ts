import { type Layout, paramWords } from '../../dsp/arena.js';
import { commandOps, commandWord, operationOf } from '../../dsp/command.js';
import type { Program } from '../../dsp/program.js';
import { paramWord } from '../../dsp/ramps.js';

/** One parameter: where it is, and where it is going. Frames count from the first of all. */
interface Motion {
  /** At frame `since`. */
  from: number;
  since: number;
  /** Reached after `frames`. */
  to: number;
  frames: number;
  /** Frames after `since` at which a trigger falls back to 0; 0 when there is none. */
  hold: number;
  readonly low: number;
  readonly high: number;
  readonly smoothingFrames: number;
}

/** Where a parameter is in its program. */
interface Place {
  readonly node: number;
  readonly port: number;
}

const valueBits = new Int32Array(1);
const valueView = new Float32Array(valueBits.buffer);

/**
 * What control knows of the parameters: the same arithmetic as the renderer's, followed command by
 * command, begun from a snapshot. It says where each one is and where it goes, at any frame.
 */
export class ParameterModel {
  private readonly motions: Motion[];
  private readonly byPlace = new Map<number, Motion>();

  constructor(
    program: Program,
    private readonly layout: Layout,
  ) {
    this.motions = layout.params.map(({ node, port }) => {
      const { definition, ports } = program.nodes[node]!;
      const { min, max, smoothingMs } = definition.ports[port]!;
      const given = ports[port]!;
      const value = Math.fround(given.kind === 'value' ? given.value : 0);
      const motion: Motion = {
        from: value,
        since: 0,
        to: value,
        frames: 0,
        hold: 0,
        low: min,
        high: max,
        smoothingFrames: Math.round((smoothingMs / 1000) * program.rate),
      };
      this.byPlace.set(node * 4096 + port, motion);
      return motion;
    });
  }

  /** Takes the parameters over from the arena of a snapshot, as they are at `frame`. */
  restore(arena: Int32Array, frame: number): void {
    const floats = new Float32Array(arena.buffer, arena.byteOffset, arena.length);
    const records = (this.layout.paramRecords - this.layout.base) / 4;
    this.motions.forEach((motion, index) => {
      const at = records + index * paramWords;
      const frames = arena[at + paramWord.remaining]!;
      motion.from = floats[at + paramWord.value]!;
      motion.since = frame;
      motion.frames = frames;
      motion.to = frames > 0 ? floats[at + paramWord.target]! : motion.from;
      motion.hold = arena[at + paramWord.hold]!;
    });
  }

  /** Goes on as a parameter of another program does. */
  adopt(place: Place, from: ParameterModel, other: Place): void {
    const motion = this.byPlace.get(place.node * 4096 + place.port);
    const before = from.byPlace.get(other.node * 4096 + other.port);
    if (motion === undefined || before === undefined) return;
    const { since, frames, hold } = before;
    Object.assign(motion, { from: before.from, to: before.to, since, frames, hold });
  }

  /** Applies a record that takes effect at `frame`. */
  apply(words: Int32Array, at: number, frame: number): void {
    const place = words[at + commandWord.node]! * 4096 + words[at + commandWord.port]!;
    const motion = this.byPlace.get(place);
    if (motion === undefined) return;
    valueBits[0] = words[at + commandWord.value]!;
    const value = Math.min(motion.high, Math.max(motion.low, valueView[0]!));
    const op = operationOf(words[at]!);
    const frames = Math.max(0, words[at + commandWord.frames]!);
    if (op === commandOps.set) {
      const ramp = Math.max(frames, motion.smoothingFrames);
      motion.from = ramp > 0 ? valueAt(motion, frame) : value;
      motion.frames = ramp;
      motion.hold = 0;
    } else if (op === commandOps.gate || op === commandOps.trigger) {
      motion.from = value;
      motion.frames = 0;
      motion.hold = op === commandOps.trigger ? Math.max(1, frames) : 0;
    } else return;
    motion.to = value;
    motion.since = frame;
  }

  /** Where a parameter is at a frame, and where it goes; undefined for one that is none. */
  read(node: number, port: number, frame: number): { value: number; target: number } | undefined {
    const motion = this.byPlace.get(node * 4096 + port);
    if (motion === undefined) return undefined;
    return { value: valueAt(motion, frame), target: motion.hold > 0 ? 0 : motion.to };
  }
}

function valueAt(motion: Motion, frame: number): number {
  const passed = Math.max(0, frame - motion.since);
  if (motion.hold > 0 && passed >= motion.hold) return 0;
  if (passed >= motion.frames) return motion.to;
  return motion.from + ((motion.to - motion.from) * passed) / motion.frames;
}
