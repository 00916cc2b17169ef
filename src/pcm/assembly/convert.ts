/**
 * Windowed-sinc conversion: y[n] = sum over i of h(i - frac(t)) x[floor(t) - taps/2 + 1 + i] with
 * t = n step. Up to twelve output frames are made together and share the loads of the input: each
 * row is read from as many places before its start as its frame is later than where the input is
 * read from, and has zeros there. The history holds whole fours of frames before the oldest one
 * that is needed, so that each input frame keeps its lane: the same sums in the same order however
 * calls cut the stream.
 * Sums are float32; with `centre` the largest products and the total are float64. What is not
 * finite in the input becomes 0. All state is in the block, one conversion as the kernel sees it,
 * with the same places as in `../conversion-kernel.ts`:
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
 *   i32 88 rows    12 rows made of polynomials            i32 92  bytes from row to row
 *   i32 96 centres 12 float64 rows made of polynomials    i32 100 bytes from row to row
 *   i32 104 channels   i32 108 history of channel 0   i32 112 bytes from channel to channel
 *   i32 116 input      interleaved frames to take     i32 120 output, interleaved frames made
 *   i32 124 turn       row of the next output frame in a bank that holds them: they lie there in
 *                      the order of their use, so that the cache has the next one ready
 *   i32 128 count      rows of such a bank
 */
import { advance, at, loadCursor, moveTo, phase, rest, storeCursor, whole } from './cursor';
import { evaluate, evaluateCentre } from './rows';
import { split } from './split';
import { sumCentre, sumOne, sumPair } from './sums';

/** Output frames that are made together. */
const TOGETHER: i32 = 12;

/** Addresses of their rows, less their shifts; those of the float64 rows likewise. */
const rows: usize = memory.data(48, 16);
const middles: usize = memory.data(48, 16);
/** How many frames each one is after the first input frame that is read. */
const shifts: usize = memory.data(48, 16);
/** Where the sums are put: four of one channel and four of the next, or six of one. */
const sums: usize = memory.data(32, 16);

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
  const oldest = integer(block, 48);
  const passed = (oldest < held ? oldest : held) & ~3;
  const kept = held - passed;
  if (passed > 0) {
    let plane = history;
    for (let channel = 0; channel < channels; channel++) {
      memory.copy(plane, plane + (<usize>passed << 2), <usize>kept << 2);
      plane += stride;
    }
  }
  const to = history + (<usize>kept << 2);
  split(<usize>integer(block, 116), to, stride, channels, frames);
  store<i32>(block + 48, oldest - passed);
  store<i32>(block + 56, kept + frames);
}

/** Makes up to `frames` output frames, and says how many there were enough input for. */
export function produce(block: usize, frames: i32): i32 {
  const fitted = integer(block, 68) != 0;
  const frameBytes = <usize>integer(block, 104) << 2;
  let output = <usize>integer(block, 120);
  let left = frames;
  loadCursor(block);
  while (left > 0) {
    const most = left < TOGETHER ? left : TOGETHER;
    const base = at & ~3;
    const ready = fitted ? fit(block, base, most) : find(block, base, most);
    if (ready > 0) sum(block, base, ready, output);
    left -= ready;
    output += <usize>ready * frameBytes;
    if (ready < most) break;
  }
  storeCursor(block);
  return frames - left;
}

/** Frames that the history must hold for `frames` more output frames. */
export function needed(block: usize, frames: i32): i32 {
  if (frames == 0) return 0;
  const taps = integer(block, 60);
  loadCursor(block);
  if (integer(block, 68) == 0) {
    const units = <i64>phase + <i64>(frames - 1) * <i64>load<f64>(block, 8);
    return at + <i32>(units / <i64>load<f64>(block, 32)) + taps;
  }
  for (let left = frames - 1; left > 0; left--) advance();
  return at + taps;
}

/** Finds the rows of up to `most` output frames for which there is input, and goes on past them. */
function find(block: usize, base: i32, most: i32): i32 {
  const last = integer(block, 56) - integer(block, 60);
  const wrap = <i32>load<f64>(block, 32);
  const bank = <usize>integer(block, 72);
  const bankBytes = <usize>integer(block, 76);
  const middle = <usize>integer(block, 80);
  const middleBytes = <usize>integer(block, 84);
  const count = integer(block, 128);
  const stepFrames = whole;
  const stepUnits = <i32>rest;
  let turn = integer(block, 124);
  let place = at;
  let index = <i32>phase;
  let ready = 0;
  while (ready < most && place <= last) {
    const shift = place - base;
    const k = <usize>ready << 2;
    store<i32>(shifts + k, shift);
    store<usize>(rows + k, bank + <usize>turn * bankBytes - (<usize>shift << 2));
    store<usize>(middles + k, middle + <usize>turn * middleBytes - (<usize>shift << 3));
    place += stepFrames;
    index += stepUnits;
    if (index >= wrap) {
      index -= wrap;
      place++;
    }
    if (++turn == count) turn = 0;
    ready++;
  }
  store<i32>(block + 124, turn);
  moveTo(place, <f64>index);
  return ready;
}

/** The same where rows are made of polynomials. */
function fit(block: usize, base: i32, most: i32): i32 {
  const taps = integer(block, 60);
  const last = integer(block, 56) - taps;
  const centre = integer(block, 64);
  const scale = load<f64>(block, 40);
  const bankBytes = <usize>integer(block, 76);
  const middleBytes = <usize>integer(block, 84);
  let row = <usize>integer(block, 88);
  let middle = <usize>integer(block, 96);
  let ready = 0;
  while (ready < most && at <= last) {
    const place = phase * scale;
    const index = <i32>place;
    const between = place - <f64>index;
    const shift = at - base;
    const k = <usize>ready << 2;
    evaluate(<usize>integer(block, 72) + <usize>index * bankBytes, row, taps, <f32>between);
    if (centre != 0) {
      const from = <usize>integer(block, 80) + <usize>index * middleBytes;
      evaluateCentre(from, middle, centre, between);
    }
    store<i32>(shifts + k, shift);
    store<usize>(rows + k, row - (<usize>shift << 2));
    store<usize>(middles + k, middle - (<usize>shift << 3));
    row += <usize>integer(block, 92);
    middle += <usize>integer(block, 100);
    advance();
    ready++;
  }
  return ready;
}

/** Sums the `ready` rows that were found, by all channels, into the output. */
function sum(block: usize, base: i32, ready: i32, output: usize): void {
  // A row that is not wanted is summed too: as one that is.
  const last = <usize>(ready - 1) << 2;
  for (let k = last + 4; k < 48; k += 4) {
    store<usize>(rows + k, load<usize>(rows + last));
    store<usize>(middles + k, load<usize>(middles + last));
    store<i32>(shifts + k, load<i32>(shifts + last));
  }
  const channels = integer(block, 104);
  const stride = <usize>integer(block, 112);
  let x = <usize>(integer(block, 108) + (base << 2));
  for (let channel = 0; channel < channels; channel += 2) {
    if (channel + 1 < channels) {
      for (let first = 0; first < ready; first += 4) {
        sumFour(block, x, stride, first, ready - first < 4 ? ready - first : 4, output);
      }
    } else {
      for (let first = 0; first < ready; first += 6) {
        sumSix(block, x, first, ready - first < 6 ? ready - first : 6, output);
      }
    }
    x += stride << 1;
    output += 8;
  }
}

/** Adds what the middles of `count` frames give to their sums. */
function addCentres(block: usize, x: usize, first: i32, count: i32, to: usize): void {
  const centre = integer(block, 64);
  const offset = <usize>first << 2;
  const skipped = load<i32>(shifts + offset) & ~3;
  x += <usize>(integer(block, 60) - centre) << 1;
  for (let k: usize = 0; k < <usize>count << 2; k += 8) {
    const reach = load<i32>(shifts + offset + k, 4) - skipped;
    const bytes = <usize>(centre + reach + 1 & ~1) << 2;
    sumCentre(middles + offset + k, <usize>skipped << 3, x, bytes, to + k);
  }
}

/** Four frames from the `first` one on, of two channels; gives `count` of them. */
function sumFour(
  block: usize,
  x: usize,
  stride: usize,
  first: i32,
  count: i32,
  output: usize,
): void {
  const offset = <usize>first << 2;
  const skipped = load<i32>(shifts + offset) & ~3;
  const reach = load<i32>(shifts + offset, 12) - skipped;
  const bytes = <usize>(integer(block, 60) + reach + 3 & ~3) << 2;
  x += <usize>skipped << 2;
  sumPair(rows + offset, <usize>skipped << 2, x, stride, bytes, sums);
  if (integer(block, 64) != 0) {
    addCentres(block, x, first, 4, sums);
    addCentres(block, x + stride, first, 4, sums + 16);
  }
  const frameBytes = <usize>integer(block, 104) << 2;
  let to = output + <usize>first * frameBytes;
  if (frameBytes == 8 && count == 4) {
    const a = v128.load(sums);
    const b = v128.load(sums, 16);
    v128.store(to, v128.shuffle<f32>(a, b, 0, 4, 1, 5));
    v128.store(to, v128.shuffle<f32>(a, b, 2, 6, 3, 7), 16);
    return;
  }
  for (let k = 0; k < count; k++) {
    const from = sums + (<usize>k << 2);
    store<f32>(to, load<f32>(from));
    store<f32>(to, load<f32>(from, 16), 4);
    to += frameBytes;
  }
}

/** Six frames from the `first` one on, of one channel; gives `count` of them. */
function sumSix(block: usize, x: usize, first: i32, count: i32, output: usize): void {
  const offset = <usize>first << 2;
  const skipped = load<i32>(shifts + offset) & ~3;
  const reach = load<i32>(shifts + offset, 20) - skipped;
  const bytes = <usize>(integer(block, 60) + reach + 3 & ~3) << 2;
  x += <usize>skipped << 2;
  sumOne(rows + offset, <usize>skipped << 2, x, bytes, sums);
  if (integer(block, 64) != 0) addCentres(block, x, first, 6, sums);
  const frameBytes = <usize>integer(block, 104) << 2;
  let to = output + <usize>first * frameBytes;
  for (let k = 0; k < count; k++) {
    store<f32>(to, load<f32>(sums + (<usize>k << 2)));
    to += frameBytes;
  }
}
