/**
 * Windowed-sinc conversion: y[n] = sum over i of h(i - frac(t)) x[floor(t) - taps/2 + 1 + i] with
 * t = n step. Output frames are made in groups of four, which share the loads of the input: each
 * row is read from as many places before its start as its frame is later than the first, and has
 * zeros there. Groups begin at every fourth output frame, so a frame is summed in the same order
 * however calls cut the stream.
 * Sums are float32; with `centre` the largest products and the total are float64. What is not
 * finite in the input becomes 0. All state is in the block, one conversion as the kernel sees it, with the
 * same places as in `../conversion-kernel.ts`:
 *
 *   f64  0 phase   how far the next output frame is past `at`, in units of 1 / wrap frames
 *   f64  8 step    units from one output frame to the next
 *   f64 16 slope   what each output frame adds to the step, for the next `ramp` frames
 *   f64 24 target  the step when the ramp is over
 *   f64 32 wrap    units in one input frame
 *   f64 40 scale   rows of the bank in one unit
 *   i32 48 at      history frame under the first coefficient of the next output frame
 *   i32 52 ramp    output frames for which the step still moves
 *   i32 56 held    frames in the history
 *   i32 60 taps    coefficients of a row, a multiple of 4
 *   i32 64 centre  how many of them, in the middle, are float64; a multiple of 4, or 0
 *   i32 68 fitted  1 when a row is made of polynomials, 0 when the bank holds it
 *   i32 72 bank    float32 coefficient 0 of row 0          i32 76  bytes from row to row
 *   i32 80 middle  float64 coefficient 0 of row 0          i32 84  bytes from row to row
 *   i32 88 rows    4 rows made of polynomials              i32 92  bytes from row to row
 *   i32 96 centres 4 float64 rows made of polynomials      i32 100 bytes from row to row
 *   i32 104 channels   i32 108 history of channel 0   i32 112 bytes from channel to channel
 *   i32 116 input      interleaved frames to take     i32 120 output, interleaved frames made
 *   i32 124 begun      1 while a group of 4 output frames has been begun and is not done
 *   i32 128 given      how many of it were given
 *   i32 132 first      `at` of its first frame
 *   i32 136 shifts, 4  frames from there to each one's place
 *   i32 152 row, 4     float32 coefficient 0 of each, moved back by its shift
 *   i32 168 middle, 4  float64 coefficient 0 of each, likewise
 */
import { advance, at, loadCursor, phase, storeCursor } from './cursor';
import { evaluate, evaluateCentre } from './rows';
import { split } from './split';
import { sumCentre, sumOne, sumPair } from './sums';

/** The first byte that the module itself does not use. */
export function memoryBase(): usize {
  return __heap_base;
}

// @ts-ignore: decorator
@inline function integer(block: usize, offset: usize): i32 {
  return load<i32>(block + offset);
}

/** Drops what is done with and appends `frames` interleaved frames to the history. */
export function take(block: usize, frames: i32): void {
  const channels = integer(block, 104);
  const stride = <usize>integer(block, 112);
  const history = <usize>integer(block, 108);
  const held = integer(block, 56);
  const begun = integer(block, 124) != 0;
  const oldest = begun ? integer(block, 132) : integer(block, 48);
  const passed = oldest < held ? oldest : held;
  const kept = held - passed;
  let plane = history;
  for (let channel = 0; channel < channels; channel++) {
    memory.copy(plane, plane + (<usize>passed << 2), <usize>kept << 2);
    plane += stride;
  }
  const to = history + (<usize>kept << 2);
  split(<usize>integer(block, 116), to, stride, channels, frames);
  store<i32>(block + 48, integer(block, 48) - passed);
  store<i32>(block + 132, integer(block, 132) - passed);
  store<i32>(block + 56, kept + frames);
}

/** Makes up to `frames` output frames, and says how many there were enough input for. */
export function produce(block: usize, frames: i32): i32 {
  const taps = integer(block, 60);
  const held = integer(block, 56);
  let made = 0;
  while (made < frames) {
    if (integer(block, 124) == 0) {
      if (integer(block, 48) + taps > held) break;
      begin(block);
    }
    const first = integer(block, 132);
    const given = integer(block, 128);
    let ready = given;
    while (ready < 4 && first + integer(block, 136 + (<usize>ready << 2)) + taps <= held) ready++;
    if (ready - given > frames - made) ready = given + frames - made;
    if (ready == given) break;
    group(block, given, ready, made);
    made += ready - given;
    store<i32>(block + 128, ready);
    if (ready == 4) store<i32>(block + 124, 0);
  }
  return made;
}

/** Frames that the history must hold for `frames` more output frames. */
export function needed(block: usize, frames: i32): i32 {
  if (frames == 0) return 0;
  const taps = integer(block, 60);
  let left = frames;
  if (integer(block, 124) != 0) {
    const given = integer(block, 128);
    const last = given + left - 1;
    if (last < 4) {
      return integer(block, 132) + integer(block, 136 + (<usize>last << 2)) + taps;
    }
    left -= 4 - given;
  }
  loadCursor(block);
  while (--left > 0) advance();
  return at + taps;
}

/** Finds the rows of the next four output frames, and goes on to the frame after them. */
function begin(block: usize): void {
  const fitted = integer(block, 68) != 0;
  const taps = integer(block, 60);
  const centre = integer(block, 64);
  const scale = load<f64>(block + 40);
  const bank = <usize>integer(block, 72);
  const bankBytes = <usize>integer(block, 76);
  const middles = <usize>integer(block, 80);
  const middleBytes = <usize>integer(block, 84);
  const first = integer(block, 48);
  loadCursor(block);
  for (let k = 0; k < 4; k++) {
    const place = phase * scale;
    const index = <i32>place;
    let row = bank + <usize>index * bankBytes;
    let middle = middles + <usize>index * middleBytes;
    if (fitted) {
      const between = place - <f64>index;
      const madeRow = <usize>(integer(block, 88) + k * integer(block, 92));
      evaluate(row, madeRow, taps, <f32>between);
      row = madeRow;
      if (centre != 0) {
        const madeMiddle = <usize>(integer(block, 96) + k * integer(block, 100));
        evaluateCentre(middle, madeMiddle, centre, between);
        middle = madeMiddle;
      }
    }
    const shift = at - first;
    const place4 = <usize>k << 2;
    store<i32>(block + 136 + place4, shift);
    store<i32>(block + 152 + place4, <i32>(row - (<usize>shift << 2)));
    store<i32>(block + 168 + place4, <i32>(middle - (<usize>shift << 3)));
    advance();
  }
  storeCursor(block);
  store<i32>(block + 132, first);
  store<i32>(block + 128, 0);
  store<i32>(block + 124, 1);
}

/** Where the sums of a group are put: four of each of two channels. */
const sums: usize = memory.data(32, 16);

/** Writes the frames `given` to `ready` of the group that was begun, after `made` others. */
function group(block: usize, given: i32, ready: i32, made: i32): void {
  const channels = integer(block, 104);
  const centre = integer(block, 64);
  const taps = integer(block, 60);
  const stride = <usize>integer(block, 112);
  const frameBytes = <usize>channels << 2;
  const first = integer(block, 132);
  const bytes = <usize>(taps + integer(block, 148) + 3 & ~3) << 2;
  let x = <usize>(integer(block, 108) + (first << 2));
  const middle = <usize>(taps - centre) << 1;
  let output = <usize>integer(block, 120) + <usize>made * frameBytes;
  for (let channel = 0; channel < channels; channel += 2) {
    const pair = channel + 1 < channels;
    if (pair) sumPair(block + 152, x, stride, bytes, sums);
    else sumOne(block + 152, x, bytes, sums);
    if (centre != 0) {
      const span = <usize>(centre + integer(block, 148) + 1 & ~1) << 2;
      sumCentre(block + 168, x + middle, span, sums);
      if (pair) sumCentre(block + 168, x + stride + middle, span, sums + 16);
    }
    let to = output;
    for (let k = given; k < ready; k++) {
      const sum = sums + (<usize>k << 2);
      store<f32>(to, load<f32>(sum));
      if (pair) store<f32>(to, load<f32>(sum, 16), 4);
      to += frameBytes;
    }
    x += stride << 1;
    output += 8;
  }
}
