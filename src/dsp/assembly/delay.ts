import {
  banks,
  clamp,
  finite,
  output,
  portAt,
  portStep,
  quantum,
  rate,
  state,
  wordI32,
} from './abi';
import { bounded, hushed, isSteady, sound } from './signal';

/**
 * A delay line with feedback, D = time rate frames long:
 *
 *   wet[i] = line[i - D]
 *   line[i] = x[i] + feedback wet[i]
 *   y[i] = x[i] + mix (wet[i] - x[i])
 *
 * Between frames it interpolates by Lagrange's cubic (T. Laakso and others, "Splitting the Unit
 * Delay", IEEE Signal Processing Magazine 13, 1996), below two frames by a straight line, for
 * which the frames are there. A time that holds still and is within a 500th of a frame of a whole
 * number counts as that number, and the sound passes unfiltered.
 *
 * In a loop of the patch the input is the quantum before; word 1 then says how many frames that
 * is, and they are taken off D, so that the loop is as long as asked for, one quantum at least.
 *
 * Ports: 0 in, 1 time (s), 2 feedback (-1..1), 3 mix (0..1). Words: 0 frames in the line (a power
 * of two), 1 frames that the input is late. State: the write position (i32, 16 bytes), then for
 * each bank the line, one v128 a frame. An input, time or feedback that is not finite counts as 0.
 * What stays in the line is finite, and 0 below 1e-18: tails end in exact silence. What grows to
 * 1e9, as a feedback of 1 may, begins again at 0.
 */
export function k_delay(node: usize): void {
  const frames = wordI32(node, 0);
  const at = state(node);
  const position = load<i32>(at) & (frames - 1);
  for (let bank = 0, count = banks(node); bank < count; bank++) {
    const line = at + 16 + (<usize>(bank * frames) << 4);
    const time = portAt(node, 1, bank);
    const length = delayFrames(v128.load(time), frames, wordI32(node, 1));
    if (
      isUniform(length) &&
      isSteady(time, portStep(node, 1)) &&
      isSteady(portAt(node, 2, bank), portStep(node, 2)) &&
      isSteady(portAt(node, 3, bank), portStep(node, 3))
    ) {
      steady(node, bank, line, position, f32x4.extract_lane(length, 0));
    } else {
      moving(node, bank, line, position);
    }
  }
  store<i32>(at, (position + quantum) & (frames - 1));
}

// @ts-ignore: decorator
@inline function delayFrames(time: v128, frames: i32, late: i32): v128 {
  const wanted = f32x4.mul(finite(time), f32x4.splat(rate));
  const less = f32x4.sub(wanted, f32x4.splat(<f32>late));
  const held = clamp(less, f32x4.splat(0), f32x4.splat(<f32>(frames - 4)));
  // A thousandth of a frame is inaudible, and less would make denormal products.
  return v128.and(held, f32x4.gt(held, f32x4.splat(1e-3)));
}

// @ts-ignore: decorator
@inline function isUniform(x: v128): bool {
  return !v128.any_true(v128.xor(x, v128.shuffle<f32>(x, x, 0, 0, 0, 0)));
}

/** Weights of the frame one newer than D's whole part, of it, and of one and two older. */
// @ts-ignore: decorator
@inline function weightNewer(f: v128, cubic: v128): v128 {
  const a = f32x4.mul(f, f32x4.sub(f32x4.splat(1), f));
  const w = f32x4.mul(a, f32x4.mul(f32x4.sub(f, f32x4.splat(2)), f32x4.splat(1 / 6)));
  return v128.and(w, cubic);
}

// @ts-ignore: decorator
@inline function weightNear(f: v128, cubic: v128): v128 {
  const straight = f32x4.sub(f32x4.splat(1), f);
  const a = f32x4.mul(straight, f32x4.add(f, f32x4.splat(1)));
  const w = f32x4.mul(a, f32x4.sub(f32x4.splat(1), f32x4.mul(f, f32x4.splat(0.5))));
  return v128.bitselect(w, straight, cubic);
}

// @ts-ignore: decorator
@inline function weightOlder(f: v128, cubic: v128): v128 {
  const a = f32x4.mul(f, f32x4.add(f, f32x4.splat(1)));
  const w = f32x4.mul(a, f32x4.sub(f32x4.splat(1), f32x4.mul(f, f32x4.splat(0.5))));
  return v128.bitselect(w, f, cubic);
}

// @ts-ignore: decorator
@inline function weightOldest(f: v128, cubic: v128): v128 {
  const a = f32x4.mul(f, f32x4.sub(f32x4.mul(f, f), f32x4.splat(1)));
  return v128.and(f32x4.mul(a, f32x4.splat(1 / 6)), cubic);
}

// @ts-ignore: decorator
@inline function heldFeedback(x: v128): v128 {
  return clamp(finite(x), f32x4.splat(-1), f32x4.splat(1));
}

// @ts-ignore: decorator
@inline function heldMix(x: v128): v128 {
  return clamp(x, f32x4.splat(0), f32x4.splat(1));
}

/** One frame, from the addresses of where it is written and of the four it is read from. */
// @ts-ignore: decorator
@inline function frame(
  dry: v128, write: usize, newer: usize, near: usize, older: usize, oldest: usize, out: usize,
  w0: v128, w1: v128, w2: v128, w3: v128, feedback: v128, mix: v128, rest: v128,
): void {
  v128.store(write, dry);
  const wet = f32x4.add(
    f32x4.add(f32x4.mul(w1, v128.load(near)), f32x4.mul(w2, v128.load(older))),
    f32x4.add(f32x4.mul(w0, v128.load(newer)), f32x4.mul(w3, v128.load(oldest))),
  );
  v128.store(write, sound(f32x4.add(dry, f32x4.mul(feedback, wet))));
  v128.store(out, hushed(f32x4.add(f32x4.mul(dry, rest), f32x4.mul(wet, mix))));
}

/**
 * One bank whose ports hold still but for the sound, and whose lanes share one time. It goes in
 * runs in which neither end of the line comes to the ring's end.
 */
function steady(node: usize, bank: i32, line: usize, start: i32, length: f32): void {
  const frames = wordI32(node, 0);
  const mask = frames - 1;
  const nearest = f32.nearest(length);
  const wanted = f32.abs(length - nearest) < 0.002 ? nearest : length;
  const whole = <i32>wanted;
  const f = f32x4.splat(wanted - <f32>whole);
  const cubic = i32x4.splat(whole >= 2 ? -1 : 0);
  const w0 = weightNewer(f, cubic);
  const w1 = weightNear(f, cubic);
  const w2 = weightOlder(f, cubic);
  const w3 = weightOldest(f, cubic);
  const feedback = heldFeedback(v128.load(portAt(node, 2, bank)));
  const mix = heldMix(v128.load(portAt(node, 3, bank)));
  const rest = f32x4.sub(f32x4.splat(1), mix);
  const step = portStep(node, 0);
  let x = portAt(node, 0, bank);
  let out = output(node, bank);
  let position = start;
  let left = quantum;
  do {
    const oldest = (position - whole - 2) & mask;
    const run = min(left, min(frames - position, frames - 3 - oldest));
    let write = line + (<usize>position << 4);
    let read = line + (<usize>oldest << 4);
    if (run > 0) {
      const end = out + (<usize>run << 4);
      do {
        const dry = bounded(v128.load(x));
        frame(
          dry, write, read + 48, read + 32, read + 16, read, out,
          w0, w1, w2, w3, feedback, mix, rest,
        );
        x += step;
        write += 16;
        read += 16;
        out += 16;
      } while (out < end);
      position = (position + run) & mask;
      left -= run;
    } else {
      frame(
        bounded(v128.load(x)), write,
        line + (<usize>((oldest + 3) & mask) << 4),
        line + (<usize>((oldest + 2) & mask) << 4),
        line + (<usize>((oldest + 1) & mask) << 4),
        read, out, w0, w1, w2, w3, feedback, mix, rest,
      );
      x += step;
      out += 16;
      position = (position + 1) & mask;
      left--;
    }
  } while (left > 0);
}

/** The frame that lies `back` frames before `position` in each lane, lane by lane. */
// @ts-ignore: decorator
@inline function gather(line: usize, mask: i32, position: i32, back: v128): v128 {
  const at = i32x4.shl(v128.and(i32x4.sub(i32x4.splat(position), back), i32x4.splat(mask)), 4);
  let y = v128.load32_zero(line + <usize>i32x4.extract_lane(at, 0));
  y = v128.load32_lane(line + <usize>i32x4.extract_lane(at, 1), y, 1, 4);
  y = v128.load32_lane(line + <usize>i32x4.extract_lane(at, 2), y, 2, 8);
  return v128.load32_lane(line + <usize>i32x4.extract_lane(at, 3), y, 3, 12);
}

/** One bank whose time moves, or differs from lane to lane. */
function moving(node: usize, bank: i32, line: usize, start: i32): void {
  const frames = wordI32(node, 0);
  const late = wordI32(node, 1);
  const mask = frames - 1;
  let x = portAt(node, 0, bank);
  let time = portAt(node, 1, bank);
  let feedback = portAt(node, 2, bank);
  let mix = portAt(node, 3, bank);
  const xStep = portStep(node, 0);
  const timeStep = portStep(node, 1);
  const feedbackStep = portStep(node, 2);
  const mixStep = portStep(node, 3);
  let out = output(node, bank);
  let position = start;
  const end = out + (<usize>quantum << 4);
  do {
    const dry = bounded(v128.load(x));
    const write = line + (<usize>position << 4);
    v128.store(write, dry);
    const length = delayFrames(v128.load(time), frames, late);
    const whole = i32x4.trunc_sat_f32x4_s(length);
    const f = f32x4.sub(length, f32x4.convert_i32x4_s(whole));
    const cubic = i32x4.gt_s(whole, i32x4.splat(1));
    const wet = f32x4.add(
      f32x4.add(
        f32x4.mul(weightNear(f, cubic), gather(line, mask, position, whole)),
        f32x4.mul(weightOlder(f, cubic), gather(line, mask, position - 1, whole)),
      ),
      f32x4.add(
        f32x4.mul(weightNewer(f, cubic), gather(line, mask, position + 1, whole)),
        f32x4.mul(weightOldest(f, cubic), gather(line, mask, position - 2, whole)),
      ),
    );
    const fed = f32x4.mul(heldFeedback(v128.load(feedback)), wet);
    v128.store(write, sound(f32x4.add(dry, fed)));
    // Written so that a mix of 1 is the wet sound to the last bit.
    const share = heldMix(v128.load(mix));
    const rest = f32x4.sub(f32x4.splat(1), share);
    v128.store(out, hushed(f32x4.add(f32x4.mul(dry, rest), f32x4.mul(wet, share))));
    position = (position + 1) & mask;
    x += xStep;
    time += timeStep;
    feedback += feedbackStep;
    mix += mixStep;
    out += 16;
  } while (out < end);
}
