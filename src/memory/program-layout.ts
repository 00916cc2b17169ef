import { limits } from '../limits.js';
import { lineWords } from './line.js';

/** Programs there can be: that which plays, those that snapshots still hold, one in preparation. */
export const programSlots = 8;

/** One sound that a program needs. */
export const programAsset = {
  channels: 0,
  frames: 1,
  rate: 2,
  /** Whose descriptor it is, and the keeper's own. */
  pid: 3,
  fd: 4,
  keeperFd: 5,
  words: 8,
} as const;

const failureTextWords = 128;

/** A slot of the programs; control and keeper write in turn, as `state` says. */
export const programSlot = {
  number: 0,
  /** A `ProgramState`. */
  state: 1,
  programBytes: 2,
  infoBytes: 3,
  checksum: 4,
  /** 1 when it holds nodes of the user's. */
  ownNodes: 5,
  assets: 6,
  failure: 7,
  failureBytes: 8,
  failureText: lineWords,
  failureTextWords,
  assetTable: lineWords + failureTextWords,
  body: lineWords + failureTextWords + limits.assetsMax * programAsset.words,
} as const;
