import { limits } from '../limits.js';
import { checksumWords } from './checksum.js';
import { clock, programAsset, programSlot, programSlots, replica } from './layout.js';
import type { Segment } from './segment.js';

/**
 * The programs of an engine, each in a slot: the one that plays, the one before, and the one that is
 * prepared. Control writes a program into an empty slot and offers it; the keeper says when the
 * replicas have it, or that it failed, and empties slots that nothing refers to any more.
 */
export const ProgramState = {
  empty: 0,
  /** Control writes it. */
  writing: 1,
  /** It is whole. */
  offered: 2,
  /** The keeper has what it needs, and has replicas load it. */
  preparing: 3,
  /** The replicas have it: it may be switched to. */
  ready: 4,
  /** It failed before it was ready, as `failure` says, and is never switched to. */
  failed: 5,
  /** It failed later: whoever joins may have to render what it played, but it is not played again. */
  withdrawn: 6,
  /** Others have played for long: nobody is to ask for it any more, and whoever just did may. */
  leaving: 7,
} as const;
export type ProgramState = (typeof ProgramState)[keyof typeof ProgramState];

/** The number of the program that an engine begins with. */
export const firstProgram = 1;

/** Why a program failed, in the order of the numbers that stand for it in memory. */
export const programFailures = [
  'none',
  /** It could not be loaded, or threw when it was tried. */
  'refused',
  /** Whoever loaded or tried it died or stood still. */
  'died',
  /** A quantum of it takes longer than there is time. */
  'slow',
  /** It ended the replicas that played it, and was withdrawn. */
  'killed',
  /** Replicas that played it came too late. */
  'late',
  /** Replicas that played it rendered different samples. */
  'diverged',
  /** A node of the user's in it failed and was silenced. */
  'silenced',
  /** No replica took it up in time. */
  'overdue',
] as const;
export type ProgramFailure = (typeof programFailures)[number];

/** Sound that a program needs: whose descriptor it is, and the keeper's own once it has one. */
export interface ProgramAsset {
  channels: number;
  frames: number;
  rate: number;
  pid: number;
  fd: number;
}

/** What control puts into a slot. */
export interface ProgramContent {
  number: number;
  program: Uint8Array;
  /** A `PatchInfo` as JSON. */
  info: Uint8Array;
  /** Whether the program holds nodes of the user's, whose code is in `info`. */
  hasOwnNodes: boolean;
  assets: readonly ProgramAsset[];
}

/** Word index of a slot. */
export function programAt(segment: Segment, slot: number): number {
  return segment.layout.programs + slot * segment.layout.programStride;
}

/** Word index of the slot that holds a program, or -1. Allocation-free. */
export function findProgram(segment: Segment, number: number): number {
  for (let slot = 0; slot < programSlots; slot++) {
    const at = programAt(segment, slot);
    const state = programState(segment, at);
    if (state === ProgramState.empty || state === ProgramState.writing) continue;
    if (segment.words[at + programSlot.number] === number) return at;
  }
  return -1;
}

export function programState({ words }: Segment, at: number): number {
  return Atomics.load(words, at + programSlot.state);
}

/** Bytes that a program and its description may have together. */
export function programRoom({ layout }: Segment): number {
  return layout.programBytes;
}

/** Writes a program into an empty slot and offers it; false when none is empty. */
export function offerProgram(segment: Segment, content: ProgramContent): boolean {
  const { words, bytes } = segment;
  for (let slot = 0; slot < programSlots; slot++) {
    const at = programAt(segment, slot);
    const word = at + programSlot.state;
    const { empty, writing } = ProgramState;
    // A writer that died in the middle left it so; there is one control process at a time.
    const before = Atomics.load(words, word);
    if (before !== empty && before !== writing) continue;
    Atomics.store(words, word, writing);
    const { program, info, assets } = content;
    words[at + programSlot.number] = content.number;
    words[at + programSlot.programBytes] = program.length;
    words[at + programSlot.infoBytes] = info.length;
    words[at + programSlot.ownNodes] = content.hasOwnNodes ? 1 : 0;
    words[at + programSlot.failure] = 0;
    words[at + programSlot.failureBytes] = 0;
    words[at + programSlot.assets] = assets.length;
    assets.forEach((asset, index) => {
      const row = assetAt(at, index);
      words[row + programAsset.channels] = asset.channels;
      words[row + programAsset.frames] = asset.frames;
      words[row + programAsset.rate] = asset.rate;
      words[row + programAsset.pid] = asset.pid;
      words[row + programAsset.fd] = asset.fd;
      words[row + programAsset.keeperFd] = -1;
    });
    const body = (at + programSlot.body) * 4;
    bytes.set(program, body);
    bytes.set(info, body + program.length);
    words[at + programSlot.checksum] = checksumWords(words, at + programSlot.body, used(words, at));
    Atomics.store(words, word, ProgramState.offered);
    return true;
  }
  return false;
}

/** Whole words of the body in use. */
function used(words: Int32Array, at: number): number {
  return (words[at + programSlot.programBytes]! + words[at + programSlot.infoBytes]!) >> 2;
}

function assetAt(at: number, index: number): number {
  return at + programSlot.assetTable + index * programAsset.words;
}

/** A program as it stands in its slot, copied; undefined when it is not whole. */
export function readProgram(segment: Segment, at: number): ProgramContent | undefined {
  const { words, bytes } = segment;
  const number = words[at + programSlot.number]!;
  const length = words[at + programSlot.programBytes]!;
  const infoLength = words[at + programSlot.infoBytes]!;
  const count = words[at + programSlot.assets]!;
  if (length + infoLength > programRoom(segment) || count > limits.assetsMax) return undefined;
  const sum = checksumWords(words, at + programSlot.body, used(words, at));
  if (sum !== words[at + programSlot.checksum]) return undefined;
  const body = (at + programSlot.body) * 4;
  return {
    number,
    program: bytes.slice(body, body + length),
    info: bytes.slice(body + length, body + length + infoLength),
    hasOwnNodes: words[at + programSlot.ownNodes] === 1,
    assets: Array.from({ length: count }, (_, index) => {
      const row = assetAt(at, index);
      return {
        channels: words[row + programAsset.channels]!,
        frames: words[row + programAsset.frames]!,
        rate: words[row + programAsset.rate]!,
        pid: words[row + programAsset.pid]!,
        fd: words[row + programAsset.keeperFd]!,
      };
    }),
  };
}

/** Where the keeper finds an asset, and where it notes its own descriptor of it. */
export function programAssets(
  { words }: Segment,
  at: number,
): { pid: number; fd: number; keeperFd: number; own(fd: number): void }[] {
  const count = Math.min(words[at + programSlot.assets]!, limits.assetsMax);
  return Array.from({ length: count }, (_, index) => {
    const row = assetAt(at, index);
    return {
      pid: words[row + programAsset.pid]!,
      fd: words[row + programAsset.fd]!,
      keeperFd: words[row + programAsset.keeperFd]!,
      own: (fd: number) => {
        words[row + programAsset.keeperFd] = fd;
      },
    };
  });
}

/** Marks a program as failed, once; the first reason stays. False when it had failed before. */
export function failProgram(
  { words, bytes }: Segment,
  at: number,
  failure: ProgramFailure,
  text = '',
): boolean {
  const state = Atomics.load(words, at + programSlot.state);
  if (state < ProgramState.offered || state > ProgramState.ready) return false;
  const encoded = Buffer.from(text).subarray(0, programSlot.failureTextWords * 4);
  bytes.set(encoded, (at + programSlot.failureText) * 4);
  words[at + programSlot.failureBytes] = encoded.length;
  words[at + programSlot.failure] = programFailures.indexOf(failure);
  const word = at + programSlot.state;
  const next = state === ProgramState.ready ? ProgramState.withdrawn : ProgramState.failed;
  return Atomics.compareExchange(words, word, state, next) === state;
}

/** Why a program failed, and what it said. */
export function programFailure(
  { words, bytes }: Segment,
  at: number,
): { failure: ProgramFailure; text: string } {
  const failure = programFailures[words[at + programSlot.failure]!] ?? 'none';
  const from = (at + programSlot.failureText) * 4;
  const text = Buffer.from(bytes.slice(from, from + words[at + programSlot.failureBytes]!));
  return { failure, text: text.toString().replaceAll('\uFFFD', '') };
}

/** The programs that replicas are to have, oldest first, and their slots. */
export function livePrograms(segment: Segment): { number: number; at: number; state: number }[] {
  const found: { number: number; at: number; state: number }[] = [];
  for (let slot = 0; slot < programSlots; slot++) {
    const at = programAt(segment, slot);
    const state = programState(segment, at);
    const { preparing, ready, withdrawn, leaving } = ProgramState;
    const isLive = state === preparing || state === ready || state === withdrawn;
    if (!isLive && state !== leaving) continue;
    found.push({ number: segment.words[at + programSlot.number]!, at, state });
  }
  return found.sort((a, b) => a.number - b.number);
}

/** The number of the program that was rendered last; the first one while nothing was. */
export function playingProgram({ words, layout }: Segment): number {
  const primary = Atomics.load(words, layout.clock + clock.primary);
  return words[layout.replicas + primary * replica.words + replica.program]! || firstProgram;
}

/** The number of the program that would play on if that one were withdrawn; 0 for none. */
export function previousProgram({ words, layout }: Segment): number {
  const primary = Atomics.load(words, layout.clock + clock.primary);
  return words[layout.replicas + primary * replica.words + replica.previous]!;
}

/** Nodes of the user's in what plays that failed and are silent since. */
export function silencedNodes({ words, layout }: Segment): number {
  const primary = Atomics.load(words, layout.clock + clock.primary);
  return words[layout.replicas + primary * replica.words + replica.silenced]!;
}

/** The keeper's word on a program: it is prepared, ready, or its slot is empty again. */
export function setProgramState({ words }: Segment, at: number, state: ProgramState): void {
  Atomics.store(words, at + programSlot.state, state);
}

/** The number after the highest that any slot holds or held. */
export function nextProgramNumber(segment: Segment): number {
  let highest = 0;
  for (let slot = 0; slot < programSlots; slot++) {
    highest = Math.max(highest, segment.words[programAt(segment, slot) + programSlot.number]!);
  }
  return highest + 1;
}
