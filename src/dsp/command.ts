/** 32-bit words of one command record. */
export const commandWords = 8;

/** Offsets of the words of a command record. */
export const commandWord = {
  /** Operation in the low half, frame and flags in the high half. */
  op: 0,
  /** Of the parameter, as `PatchNames` lists them. */
  node: 1,
  port: 2,
  /** Bits of a float32. */
  value: 3,
  /** Of a ramp, of a trigger's hold, or of a fade. */
  frames: 4,
  /** Ticks since the first one, at which a timed command takes effect. */
  tick: 5,
  /** Of the name that its sender gave it; both 0 for none. */
  idLow: 6,
  idHigh: 7,
} as const;

/** The operation of a command, in the low half of its first word. */
export const commandOps = { set: 1, gate: 2, trigger: 3, start: 4, stop: 5 } as const;

/** Bits of the first word, above the operation and the frame. */
export const commandFlags = {
  /** It waits in the arena until its tick. */
  timed: 1 << 28,
  /** The next record of the lane belongs to the same bundle: both are sealed in one tick. */
  continues: 1 << 29,
} as const;

const frameMask = 0x3ff;

/** The operation in a first word. */
export function operationOf(word: number): number {
  return word & 0xffff;
}

/** The frame in a first word. */
export function frameOf(word: number): number {
  return (word >>> 16) & frameMask;
}
