/**
 * The place of the next output frame and how it moves on: at + phase / wrap of the input, by step
 * / wrap, while the step itself moves to its target. The block says where each is kept.
 */

export let at: i32 = 0;
export let phase: f64 = 0;
let step: f64 = 0;
let slope: f64 = 0;
let target: f64 = 0;
let wrap: f64 = 0;
let ramp: i32 = 0;
/** The step as whole frames and the rest: a division for every frame would take the most time. */
export let whole: i32 = 0;
export let rest: f64 = 0;

export function loadCursor(block: usize): void {
  phase = load<f64>(block);
  step = load<f64>(block, 8);
  slope = load<f64>(block, 16);
  target = load<f64>(block, 24);
  wrap = load<f64>(block, 32);
  at = load<i32>(block, 48);
  ramp = load<i32>(block, 52);
  split();
}

export function storeCursor(block: usize): void {
  store<f64>(block, phase);
  store<f64>(block, step, 8);
  store<i32>(block, at, 48);
  store<i32>(block, ramp, 52);
}

function split(): void {
  const frames = Math.floor(step / wrap);
  whole = <i32>frames;
  rest = step - frames * wrap;
}

/** To where the caller has gone by itself. */
export function moveTo(place: i32, units: f64): void {
  at = place;
  phase = units;
}

/** To the next output frame. */
// @ts-ignore: decorator
@inline export function advance(): void {
  phase += rest;
  at += whole;
  if (phase >= wrap) {
    phase -= wrap;
    at++;
  }
  if (ramp > 0) {
    ramp--;
    step = ramp == 0 ? target : step + slope;
    split();
  }
}
