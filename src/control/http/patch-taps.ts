import { Renderer } from '../../dsp/renderer.js';
import { findTap, type TapPlace, TapReader } from '../../dsp/tap.js';
import { type EngineParts, mapAssets, readPatchInfo, streamViews } from '../../engine/attach.js';
import type { Segment } from '../../memory/segment.js';
import type { StreamSegment } from '../../memory/stream.js';
import { Shadow, ShadowStep } from '../../observe/shadow.js';
import type { Mapping } from '../../os/index.js';
import type { Stretch } from './master-tap.js';

/** Ticks that are rendered at a time, so that control goes on looking after all else. */
const ticksMax = 48;

interface Listened {
  readonly place: TapPlace;
  readonly lanes: number;
  readonly quantum: Float32Array;
  readonly gathered: Float32Array;
}

/**
 * Points of the patch that somebody listens to. The patch is rendered once more, in this process
 * and only while there is such a point, from a snapshot and the journal on: no replica notices.
 */
export class PatchTaps {
  private readonly shadow: Shadow;
  private readonly reader: TapReader;
  private readonly names: ReturnType<typeof readPatchInfo>['names'];
  private readonly mappings: Mapping[] = [];
  private readonly listened = new Map<string, Listened>();
  private lostBefore = 0;

  constructor(
    private readonly segment: Segment,
    streams: readonly StreamSegment[],
    parts: EngineParts,
  ) {
    const { layout } = segment;
    this.names = readPatchInfo(parts).names;
    const from = layout.program * 4;
    const program = segment.bytes.slice(from, from + layout.programBytes);
    const assets = mapAssets(parts, (mapping) => this.mappings.push(mapping));
    const renderer = new Renderer(program, { streams: streamViews(streams), assets });
    this.shadow = new Shadow(segment, renderer);
    this.reader = new TapReader(renderer);
  }

  /** Points that are listened to. */
  get size(): number {
    return this.listened.size;
  }

  /** @throws TenutoError `TENUTO_PATCH_UNKNOWN` @returns the lanes of the point */
  listen(address: string): number {
    const known = this.listened.get(address);
    if (known !== undefined) return known.lanes;
    const place = findTap(this.names, address);
    const lanes = this.reader.lanes(place);
    const { quantum } = this.segment.layout;
    this.listened.set(address, {
      place,
      lanes,
      quantum: new Float32Array(lanes * quantum),
      gathered: new Float32Array(lanes * quantum * ticksMax),
    });
    return lanes;
  }

  /** Listens to it no more. */
  leave(address: string): void {
    this.listened.delete(address);
  }

  /** What came since the last call at each point, by its address. */
  read(): Map<string, Stretch> {
    const { quantum } = this.segment.layout;
    let ticks = 0;
    while (ticks < ticksMax) {
      const step = this.shadow.step();
      if (step === ShadowStep.waiting || step === ShadowStep.lost) break;
      for (const one of this.listened.values()) {
        this.reader.read(one.place, one.quantum);
        one.gathered.set(one.quantum, ticks * one.quantum.length);
      }
      ticks++;
    }
    const stretches = new Map<string, Stretch>();
    if (ticks === 0) return stretches;
    const lostFrames = (this.shadow.lostTicks - this.lostBefore) * quantum;
    this.lostBefore = this.shadow.lostTicks;
    const frame = ((this.shadow.tick - ticks + 1) * quantum) >>> 0;
    for (const [address, { lanes, gathered }] of this.listened) {
      const samples = gathered.subarray(0, ticks * quantum * lanes);
      stretches.set(address, { lanes, frame, lostFrames, samples });
    }
    return stretches;
  }

  /** Lets go of what it mapped. Idempotent. */
  close(): void {
    this.listened.clear();
    for (const mapping of this.mappings.splice(0)) mapping.unmap();
  }
}
