import { banks, clamp, output, portAt, portStep, quantum, rate, state } from './abi';

/** Bytes of state for one bank: {level, attack mask, gate mask, loudness}, 16 each. */
const STATE_BYTES: usize = 64;
/** The attack aims above its end, as the charging capacitor of an analogue envelope does. */
const ATTACK_AIM: f32 = 1.3;
/** Attack times to reach 1: ln(1.3 / 0.3). Decay and release times to fall by 60 dB: ln 1000. */
const ATTACK_CONSTANTS: f32 = 1.466337;
const FALL_CONSTANTS: f32 = 6.907755;

/**
 * level += (aim - level) c with c = 1 - e^(-k / (T rate)), per lane. While the gate is above 0:
 * attack to 1, then decay to the sustain level; else release to 0. Output: level times the
 * loudness, which is taken over when the gate rises (within 2 ms if the lane still sounds).
 * Ports: 0 gate, 1 attack s, 2 decay s, 3 sustain, 4 release s, 5 loudness.
 * Below 1e-5 (-100 dB) the level falls to exactly 0, so it never becomes denormal. NaN in a port
 * counts as its lowest value.
 */
export function k_adsr(node: usize): void {
  const gStep = portStep(node, 0);
  const aStep = portStep(node, 1);
  const dStep = portStep(node, 2);
  const sStep = portStep(node, 3);
  const rStep = portStep(node, 4);
  const vStep = portStep(node, 5);
  const isSteady = (aStep | dStep | rStep) == 0;
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const glide = f32x4.splat(500 / rate);
  for (let bank = 0, count = banks(node); bank < count; bank++) {
    const own = state(node) + <usize>bank * STATE_BYTES;
    let level = v128.load(own);
    let attacking = v128.load(own, 16);
    let wasOpen = v128.load(own, 32);
    let loudness = v128.load(own, 48);
    let g = portAt(node, 0, bank);
    let a = portAt(node, 1, bank);
    let d = portAt(node, 2, bank);
    let s = portAt(node, 3, bank);
    let r = portAt(node, 4, bank);
    let v = portAt(node, 5, bank);
    let y = output(node, bank);
    let attack = pace(v128.load(a), ATTACK_CONSTANTS);
    let decay = pace(v128.load(d), FALL_CONSTANTS);
    let release = pace(v128.load(r), FALL_CONSTANTS);
    const end = y + (<usize>quantum << 4);
    do {
      if (!isSteady) {
        attack = pace(v128.load(a), ATTACK_CONSTANTS);
        decay = pace(v128.load(d), FALL_CONSTANTS);
        release = pace(v128.load(r), FALL_CONSTANTS);
      }
      const open = f32x4.gt(v128.load(g), zero);
      attacking = v128.and(v128.or(attacking, v128.andnot(open, wasOpen)), open);
      wasOpen = open;
      const sustain = clamp(v128.load(s), zero, one);
      const aimOpen = v128.bitselect(f32x4.splat(ATTACK_AIM), sustain, attacking);
      const paceOpen = v128.bitselect(attack, decay, attacking);
      const aim = v128.and(aimOpen, open);
      const step = v128.bitselect(paceOpen, release, open);
      // A silent lane takes its new loudness at once; a sounding one glides, so as not to click.
      const wanted = clamp(v128.load(v), zero, one);
      const soft = f32x4.add(loudness, f32x4.mul(f32x4.sub(wanted, loudness), glide));
      const taken = v128.bitselect(wanted, soft, f32x4.eq(level, zero));
      loudness = v128.bitselect(taken, loudness, attacking);
      level = f32x4.add(level, f32x4.mul(f32x4.sub(aim, level), step));
      attacking = v128.andnot(attacking, f32x4.ge(level, one));
      level = f32x4.pmin(one, level);
      const isGone = v128.andnot(f32x4.lt(level, f32x4.splat(1e-5)), attacking);
      level = v128.andnot(level, isGone);
      v128.store(y, f32x4.mul(level, loudness));
      g += gStep;
      a += aStep;
      d += dStep;
      s += sStep;
      r += rStep;
      v += vStep;
      y += 16;
    } while (y < end);
    v128.store(own, level);
    v128.store(own, attacking, 16);
    v128.store(own, wasOpen, 32);
    v128.store(own, loudness, 48);
  }
}

/** 1 - e^-x for x = constants / (seconds rate) <= 0.3, as x / (1 + x/2 + x^2/12) (Pade). */
// @ts-ignore: decorator
@inline function pace(seconds: v128, constants: f32): v128 {
  const held = clamp(seconds, f32x4.splat(0.0005), f32x4.splat(60));
  const x = f32x4.div(f32x4.splat(constants / rate), held);
  const bend = f32x4.add(f32x4.splat(0.5), f32x4.mul(x, f32x4.splat(1.0 / 12.0)));
  return f32x4.div(x, f32x4.add(f32x4.splat(1), f32x4.mul(x, bend)));
}
