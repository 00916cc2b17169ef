import { createHash } from 'node:crypto';
import type { AssetView } from '../dsp/node.js';
import { mapAsset } from '../engine/attach.js';
import type { JournalProgram } from '../flight/records.js';
import { type AssetPart, type AssetReference, encodeAssetPart } from '../flight/records.js';
import { livePrograms, type ProgramAsset, readProgram } from '../memory/programs.js';
import type { Segment } from '../memory/segment.js';

/** Bytes of an asset in one chunk. */
const partBytes = 4 << 20;
/** Bytes that are digested between two signs of life. */
const turnBytes = 16 << 20;

/** A program with the sounds that it plays. */
export interface ShelvedProgram {
  record: JournalProgram;
  assets: readonly ShelvedAsset[];
}

export interface ShelvedAsset {
  reference: AssetReference;
  view: AssetView;
}

/** The programs of an engine, as a journal holds them. */
export class ProgramShelf {
  private readonly known = new Map<number, ShelvedProgram>();

  constructor(
    private readonly segment: Segment,
    private readonly keeperPid: number,
    /** A sign of life: to digest a long sound takes seconds. */
    private readonly beat: () => void,
  ) {}

  /** All that there are, oldest first. */
  read(): ShelvedProgram[] {
    const live = livePrograms(this.segment);
    for (const { number, at } of live) {
      if (this.known.has(number)) continue;
      const content = readProgram(this.segment, at);
      // It has just gone, or is being written over.
      if (content?.number !== number) continue;
      const assets = content.assets.map((asset) => this.shelve(asset));
      const { program, info, hasOwnNodes } = content;
      const references = assets.map(({ reference }) => reference);
      const record = { number, hasOwnNodes, info, program, assets: references };
      this.known.set(number, { record, assets });
    }
    const there = new Set(live.map(({ number }) => number));
    for (const number of this.known.keys()) if (!there.has(number)) this.known.delete(number);
    return [...this.known.values()].sort((a, b) => a.record.number - b.record.number);
  }

  private shelve(asset: ProgramAsset): ShelvedAsset {
    const view = mapAsset(this.keeperPid, asset);
    const { channels, frames, rate } = asset;
    const bytes = bytesOf(view);
    const hash = createHash('sha256');
    for (let at = 0; at < bytes.length; at += turnBytes) {
      hash.update(bytes.subarray(at, at + turnBytes));
      this.beat();
    }
    return { reference: { digest: hash.digest('hex'), channels, frames, rate }, view };
  }
}

function bytesOf({ samples }: AssetView): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

/** A sound, part by part, as the chunks of a journal hold it. */
export function* assetParts({ reference, view }: ShelvedAsset): Generator<Buffer> {
  const all = bytesOf(view);
  // A sound without a frame is one, too.
  for (let offset = 0; offset === 0 || offset < all.length; offset += partBytes) {
    const bytes = all.subarray(offset, offset + partBytes);
    const part: AssetPart = { ...reference, offset, bytes };
    yield encodeAssetPart(part);
  }
}
