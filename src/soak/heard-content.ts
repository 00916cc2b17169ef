/**
 * Finds what was played in what was heard: which frames of a known signal sounded when. Signal and
 * ear have the same rate; in between may be a conversion of rates and back, so that frames need not
 * be the same but have to correlate. One channel.
 */

/** A stretch of what was heard that is the signal, frame after frame. */
export interface Passage {
  /** Frames of the ear. */
  heardFrom: number;
  heardTo: number;
  /** Frames of the signal. Their number is that of the heard ones. */
  contentFrom: number;
  contentTo: number;
  /** Whether the samples are the very same; else the edges are known to `edgeFrames` only. */
  isExact: boolean;
  /** Frames just before it that sounded, while the ear was kept from the processor. */
  unheardFrames?: number;
}

/** Frames that are looked for at once: as many noises of them as there are frames differ clearly. */
const blockFrames = 256;
const hopFrames = 64;
/** How far from where it went on the signal is looked for first. */
const nearFrames = 96_000;
/** Least correlation of what counts as found; other places of a noise reach 0.3. */
const foundLeast = 0.75;
const followLeast = 0.9;
/** Beyond this the edge of a passage that was converted may be wrong by. */
export const edgeFrames = 6;
/** Below this it is silence. */
const quietRms = 1e-4;
/** Frames by which the place may wander in a passage: less than half of one that was lost. */
const wanderFrames = 0.45;
/** Frames over which an edge is looked for. */
const edgeWindow = 4;
/** Fewer frames than a server plays at a time are no miss of the ear; their time cannot be told. */
const unheardLeast = 512;
/** Half the length of the filter that reads the signal between its frames. */
const halfTaps = 16;

/** All passages of at least a block, in the order in which they were heard. */
export function findPassages(signal: Float32Array, heard: Float32Array): Passage[] {
  const passages: Passage[] = [];
  let at = 0;
  let near: number | null = null;
  while (at + blockFrames <= heard.length) {
    const found: Found | null = isQuiet(heard, at) ? null : findBlock(signal, heard, at, near);
    if (found === null) {
      at += hopFrames;
      continue;
    }
    const earliest = passages.at(-1)?.heardTo ?? 0;
    const passage: Passage = found.isExact
      ? followExactly(signal, heard, found, earliest)
      : followRoughly(signal, heard, found, earliest);
    passages.push(passage);
    at = Math.max(passage.heardTo, at + hopFrames);
    near = passage.contentTo;
  }
  return passages;
}

/** Whether any part of the block is silence: what it may hold besides is found a little later. */
function isQuiet(heard: Float32Array, at: number): boolean {
  for (let from = at; from < at + blockFrames; from += hopFrames) {
    let sum = 0;
    for (let i = 0; i < hopFrames; i++) sum += heard[from + i]! ** 2;
    if (sum < hopFrames * quietRms ** 2) return true;
  }
  return false;
}

interface Found {
  at: number;
  place: number;
  isExact: boolean;
}

function findBlock(
  signal: Float32Array,
  heard: Float32Array,
  at: number,
  near: number | null,
): Found | null {
  const exact = findExactly(signal, heard, at);
  if (exact !== null) return { at, place: exact, isExact: true };
  const last = signal.length - blockFrames;
  const from = near === null ? 0 : Math.max(0, near - nearFrames);
  const to = near === null ? last : Math.min(last, near + nearFrames);
  const place = bestPlace(signal, heard, at, from, to);
  if (place === null) return null;
  // The block may hold the edge of what is exact.
  for (let skip = hopFrames; skip <= blockFrames; skip += hopFrames) {
    if (isSame(signal, heard, at + skip, place + skip)) {
      return { at: at + skip, place: place + skip, isExact: true };
    }
  }
  return { at, place, isExact: false };
}

function isSame(signal: Float32Array, heard: Float32Array, at: number, place: number): boolean {
  let same = 0;
  while (same < blockFrames && signal[place + same] === heard[at + same]) same++;
  return same === blockFrames && heard[at] !== undefined;
}

/** Where the very samples stand. */
function findExactly(signal: Float32Array, heard: Float32Array, at: number): number | null {
  const first = heard[at]!;
  // A silent first frame stands everywhere.
  if (first === 0) return null;
  let place = signal.indexOf(first);
  while (place >= 0) {
    if (isSame(signal, heard, at, place)) return place;
    place = signal.indexOf(first, place + 1);
  }
  return null;
}

/** Where the block correlates best, if it does. */
function bestPlace(
  signal: Float32Array,
  heard: Float32Array,
  at: number,
  from: number,
  to: number,
): number | null {
  let best = -1;
  let bestSum = 0;
  for (let place = from; place <= to; place++) {
    let sum = 0;
    for (let i = 0; i < blockFrames; i++) sum += signal[place + i]! * heard[at + i]!;
    if (sum > bestSum) {
      bestSum = sum;
      best = place;
    }
  }
  if (best < 0 || correlation(signal, heard, at, best) < foundLeast) return null;
  return best;
}

/** Of a block, -1 to 1; 0 beyond the signal's ends. */
function correlation(signal: Float32Array, heard: Float32Array, at: number, place: number): number {
  if (place < 0 || place + blockFrames > signal.length) return 0;
  return likeness(signal, place, heard, at);
}

/** The normalised correlation of a block of what is expected and of what was heard. */
function likeness(
  expected: Float32Array | Float64Array,
  place: number,
  heard: Float32Array,
  at: number,
): number {
  let both = 0;
  let a = 0;
  let b = 0;
  for (let i = 0; i < blockFrames; i++) {
    const x = expected[place + i]!;
    const y = heard[at + i]!;
    both += x * y;
    a += x * x;
    b += y * y;
  }
  return a * b === 0 ? 0 : both / Math.sqrt(a * b);
}

function followExactly(
  signal: Float32Array,
  heard: Float32Array,
  { at, place }: Found,
  earliest: number,
): Passage {
  let before = 0;
  while (
    at - before > earliest &&
    place - before > 0 &&
    signal[place - before - 1] === heard[at - before - 1]
  ) {
    before++;
  }
  let after = blockFrames;
  while (
    at + after < heard.length &&
    place + after < signal.length &&
    signal[place + after] === heard[at + after]
  ) {
    after++;
  }
  return {
    heardFrom: at - before,
    heardTo: at + after,
    contentFrom: place - before,
    contentTo: place + after,
    isExact: true,
  };
}

/** The place of a block near a place, between frames, or null when it is not there. */
function refine(
  signal: Float32Array,
  heard: Float32Array,
  at: number,
  near: number,
): { place: number; fit: number } | null {
  const middle = Math.round(near);
  let best = middle;
  let fit = -1;
  for (let place = middle - 2; place <= middle + 2; place++) {
    const found = correlation(signal, heard, at, place);
    if (found > fit) {
      fit = found;
      best = place;
    }
  }
  if (fit < foundLeast) return null;
  const left = correlation(signal, heard, at, best - 1);
  const right = correlation(signal, heard, at, best + 1);
  const bend = left - 2 * fit + right;
  const offset = bend < 0 ? (0.5 * (left - right)) / bend : 0;
  const place = best + offset;
  return { place, fit: likeness(signalFrom(signal, place, blockFrames), 0, heard, at) };
}

/** A filter that reads the signal so far behind each frame; one at 0 or 1 reads the frame itself. */
function readerAt(part: number): Float64Array {
  return Float64Array.from({ length: 2 * halfTaps }, (_, i) => {
    const x = i + 1 - halfTaps - part;
    if (Math.abs(x) < 1e-9) return 1;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / (halfTaps + 1));
    return (Math.sin(Math.PI * x) / (Math.PI * x)) * window;
  });
}

/** The signal from a place between its frames on. */
function signalFrom(signal: Float32Array, place: number, frames: number): Float64Array {
  const base = Math.floor(place);
  const reader = readerAt(place - base);
  return Float64Array.from({ length: frames }, (_, i) => {
    let sum = 0;
    const from = base + i + 1 - halfTaps;
    for (let k = 0; k < reader.length; k++) sum += (signal[from + k] ?? 0) * reader[k]!;
    return sum;
  });
}

function followRoughly(
  signal: Float32Array,
  heard: Float32Array,
  { at, place }: Found,
  earliest: number,
): Passage {
  const start = refine(signal, heard, at, place) ?? { place, fit: 0 };
  let shift = start.place - at;
  let end = at;
  while (end + hopFrames + blockFrames <= heard.length) {
    const next = end + hopFrames;
    const found = refine(signal, heard, next, next + shift);
    if (found === null || found.fit < followLeast) break;
    const wander = found.place - next - shift;
    if (Math.abs(wander) > wanderFrames) break;
    shift += wander / 8;
    end = next;
  }
  const endShift = shift;
  shift = start.place - at;
  const heardTo = edge(signal, heard, end + hopFrames, endShift, 1, heard.length);
  const heardFrom = edge(signal, heard, at + hopFrames, shift, -1, earliest);
  const contentFrom = Math.round(heardFrom + shift);
  // The number of frames is that which was heard, so that nothing hides in the rounding.
  return {
    heardFrom,
    heardTo,
    contentFrom,
    contentTo: Math.round(heardTo + endShift),
    isExact: false,
  };
}

/** From a frame within a passage on, the first that is not of it any more. */
function edge(
  signal: Float32Array,
  heard: Float32Array,
  from: number,
  shift: number,
  direction: 1 | -1,
  limit: number,
): number {
  // As far as a block beyond which the passage was not followed.
  const reach = 2 * blockFrames;
  const low = direction === 1 ? from : Math.max(limit, from - reach);
  const high = direction === 1 ? Math.min(limit, from + reach) : from;
  const expected = signalFrom(signal, low + shift, high - low);
  let level = 0;
  for (const x of expected) level += x * x;
  level /= Math.max(1, expected.length);
  let error = 0;
  for (let i = 0; i < expected.length; i++) {
    const at = direction === 1 ? i : expected.length - 1 - i;
    error += (heard[low + at]! - expected[at]!) ** 2;
    const old = at - direction * edgeWindow;
    if (i >= edgeWindow) error -= (heard[low + old]! - expected[old]!) ** 2;
    if (error > 0.3 * level * edgeWindow) {
      return low + at + (direction === 1 ? -edgeWindow / 2 : 1 + edgeWindow / 2);
    }
  }
  return direction === 1 ? high : low;
}

/** What became of the signal, over all passages. */
export interface Account {
  /** Frames of the signal from the first that was heard to the last. */
  frames: number;
  lostFrames: number;
  repeatedFrames: number;
  /** Frames that were played, by the time that they took, and missed by the ear alone. */
  unheardFrames: number;
  /** Where frames were lost or repeated, by the frame of the signal. */
  breaks: { contentFrame: number; lost: number; repeated: number }[];
  /** Whether what was heard at one ear never went back but to repeat. */
  inOrder: boolean;
}

/**
 * Lays the passages of all ears side by side: each frame of the signal should be in just one.
 *
 * @param ears - passages of each ear, in the order in which they were heard
 */
export function accountOf(ears: readonly (readonly Passage[])[]): Account {
  const inOrder = ears.every((passages) =>
    passages.every((one, i) => i === 0 || one.contentTo > passages[i - 1]!.contentTo),
  );
  const all = ears
    .flatMap((passages) => passages.map(joined))
    .sort((a, b) => a.contentFrom - b.contentFrom);
  const breaks: Account['breaks'] = [];
  let reached = all[0]?.contentFrom ?? 0;
  let reachedExactly = true;
  let unheardFrames = 0;
  for (const passage of all) {
    const { contentFrom, contentTo, isExact, isJoined, unheardFrames: unheard = 0 } = passage;
    const step = contentFrom - reached - unheard;
    unheardFrames += unheard;
    const slack = isJoined || (isExact && reachedExactly) ? 0 : 2 * edgeFrames;
    if (Math.abs(step) > slack) {
      const lost = Math.max(0, step);
      const repeated = Math.max(0, Math.min(-step, contentTo - contentFrom));
      breaks.push({ contentFrame: contentFrom, lost, repeated });
    }
    if (contentTo > reached) {
      reached = contentTo;
      reachedExactly = isExact;
    }
  }
  return {
    frames: all.length === 0 ? 0 : reached - all[0]!.contentFrom,
    lostFrames: breaks.reduce((sum, { lost }) => sum + lost, 0),
    repeatedFrames: breaks.reduce((sum, { repeated }) => sum + repeated, 0),
    unheardFrames,
    breaks,
    inOrder,
  };
}

/**
 * A passage that begins where the one before it ended, at the same ear: their edges may be blurred,
 * but how far the signal jumped between them is known exactly.
 */
function joined(
  passage: Passage,
  i: number,
  all: readonly Passage[],
): Passage & { isJoined: boolean } {
  const before = all[i - 1];
  if (before === undefined || passage.heardFrom - before.heardTo > 2 * edgeFrames) {
    return { ...passage, isJoined: false };
  }
  const jump = passage.contentFrom - passage.heardFrom - (before.contentTo - before.heardTo);
  return { ...passage, contentFrom: before.contentTo + jump, isJoined: true };
}

/**
 * Tells what an ear missed from what was not played: an ear that missed frames hears the next ones
 * later by as many.
 *
 * @param missedBefore - frames for which time passed unheard before a frame of the ear, roughly
 */
export function markUnheard(
  passages: readonly Passage[],
  missedBefore: (heardFrame: number) => number,
): Passage[] {
  return passages.map((passage, i) => {
    const before = passages[i - 1];
    if (before === undefined || passage.heardFrom - before.heardTo > 2 * edgeFrames) return passage;
    const jump = passage.contentFrom - passage.heardFrom - (before.contentTo - before.heardTo);
    if (jump < unheardLeast) return passage;
    const missed = missedBefore(passage.heardFrom);
    return Math.abs(missed - jump) < jump / 2 ? { ...passage, unheardFrames: jump } : passage;
  });
}
