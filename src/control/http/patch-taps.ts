import { type NodeLibrary, noNodes } from '../../dsp/nodes/index.js';
import { loadOwnNodes } from '../../dsp/own-nodes.js';
import { findTap, type TapPlace, TapReader } from '../../dsp/tap.js';
import { type EngineParts, mapAsset, readPatchInfo, streamViews } from '../../engine/attach.js';
import { ProgramLoader } from '../../engine/program-loader.js';
import { TenutoError } from '../../errors.js';
import type { Segment } from '../../memory/segment.js';
import type { StreamSegment } from '../../memory/stream.js';
import { Shadow, ShadowStep } from '../../observe/shadow.js';
import type { Mapping } from '../../os/index.js';
import { readProgramInfo } from '../program-books.js';
import type { Stretch } from './master-tap.js';

/** Ticks that are rendered at a time, so that control goes on looking after all else. */
const ticksMax = 48;

/** A point that is listened to. */
interface Point {
  /** Null while the patch has no such point. */
  place: TapPlace | null;
  lanes: number;
  /** What came since the last call of `read`: so many ticks, up to the newest. */
  gathered: Float32Array;
  ticks: number;
}

/**
 * Points of the patch that somebody listens to. The patch is rendered once more, in this process
 * and only while there is such a point, from a snapshot and the journal on: no replica notices.
 * Nodes of the user's are run too: only at ticks that a replica has passed, so that what hangs or
 * dies there has been silenced or withdrawn by then.
 */
export class PatchTaps {
  private readonly loader: ProgramLoader;
  private readonly shadow: Shadow;
  private readonly mappings: Mapping[] = [];
  private readonly points = new Map<string, Point>();
  private readonly samples: number;
  private reader: TapReader | null = null;
  private program = 0;
  /** The kinds of nodes in it, those of the user's among them. */
  private own: NodeLibrary = noNodes;
  private isLoading = false;
  private isClosed = false;
  private lostBefore = 0;

  private constructor(
    private readonly segment: Segment,
    streams: readonly StreamSegment[],
    parts: EngineParts,
    /** Which program plays after the last command. */
    private readonly numberNow: () => number,
  ) {
    this.samples = segment.layout.quantum;
    this.loader = new ProgramLoader(segment, {
      streams: streamViews(streams),
      mapAsset: (asset) =>
        mapAsset(parts.keeperPid, asset, (mapping) => this.mappings.push(mapping)),
      loadNodes: loadOwnNodes,
    });
    this.shadow = new Shadow(segment, this.loader.performance);
  }

  static async open(
    segment: Segment,
    streams: readonly StreamSegment[],
    parts: EngineParts,
    numberNow: () => number,
  ): Promise<PatchTaps> {
    const taps = new PatchTaps(segment, streams, parts, numberNow);
    try {
      await taps.loader.loadAll();
      taps.lookAt(taps.shadow.program());
      return taps;
    } catch (error) {
      taps.close();
      throw error;
    }
  }

  /** @throws TenutoError `TENUTO_PATCH_UNKNOWN` @returns the lanes of the point */
  listen(address: string): number {
    const point = this.points.get(address) ?? {
      place: null,
      lanes: 1,
      gathered: new Float32Array(this.samples * ticksMax),
      ticks: 0,
    };
    try {
      this.find(address, point);
    } catch (error) {
      // The patch was just changed, and what is rendered here is still the one before.
      if (!this.isComing(address)) throw error;
    }
    this.points.set(address, point);
    return point.lanes;
  }

  private isComing(address: string): boolean {
    const number = this.numberNow();
    if (number === this.program) return false;
    const { nodes } = readProgramInfo(this.segment, number).names;
    const [node = ''] = Object.hasOwn(nodes, address) ? [address] : address.split('.');
    return Object.hasOwn(nodes, node);
  }

  /** Listens to it no more. */
  leave(address: string): void {
    this.points.delete(address);
  }

  /** What came since the last call at each point, by its address. */
  read(): Map<string, Stretch> {
    for (let turn = 0; turn < ticksMax && !this.isLoading; turn++) {
      const step = this.shadow.step();
      if (step === ShadowStep.missing) this.load();
      if (step !== ShadowStep.rendered) break;
      const { program } = this.loader.performance;
      if (program !== this.program) this.lookAt(program);
      for (const point of this.points.values()) this.gather(point);
    }
    const stretches = new Map<string, Stretch>();
    const lostFrames = (this.shadow.lostTicks - this.lostBefore) * this.samples;
    for (const [address, point] of this.points) {
      const { ticks, lanes, gathered } = point;
      if (ticks === 0) continue;
      const frame = ((this.shadow.tick - ticks + 1) * this.samples) >>> 0;
      const samples = gathered.subarray(0, ticks * this.samples * lanes);
      stretches.set(address, { lanes, frame, lostFrames, samples });
      point.ticks = 0;
    }
    if (stretches.size > 0) this.lostBefore = this.shadow.lostTicks;
    return stretches;
  }

  /** Lets go of what it mapped. Idempotent. */
  close(): void {
    this.points.clear();
    this.isClosed = true;
    // What is being loaded maps more, and is let go of when it is there.
    if (this.isLoading) return;
    for (const mapping of this.mappings.splice(0)) mapping.unmap();
  }

  private gather(point: Point): void {
    if (point.place === null) return;
    const each = point.lanes * this.samples;
    const at = point.ticks * each;
    this.reader!.read(point.place, point.gathered.subarray(at, at + each));
    point.ticks++;
  }

  /** The engine plays a program that came later: it is loaded aside. */
  private load(): void {
    this.isLoading = true;
    void this.loader
      .loadAll()
      // What cannot be loaded here is asked for again at the next snapshot.
      .catch(() => {})
      .then(() => {
        this.isLoading = false;
        if (this.isClosed) this.close();
      });
  }

  /** Finds the points in another program; those that it does not have are silent. */
  private lookAt(program: number): void {
    const renderer = this.loader.performance.part(program);
    if (!renderer) throw new TenutoError('TENUTO_ENGINE_FAILED', 'its patch is gone');
    this.program = program;
    this.own = new Map(
      renderer.program.nodes.map(({ definition }) => [definition.type, definition] as const),
    );
    this.reader = new TapReader(renderer, this.loader.performance.output);
    for (const [address, point] of this.points) {
      point.place = null;
      try {
        this.find(address, point);
      } catch (error) {
        if (!(error instanceof TenutoError)) throw error;
      }
    }
  }

  private find(address: string, point: Point): void {
    const info = this.loader.infoOf(this.program);
    if (!info) throw new TenutoError('TENUTO_ENGINE_FAILED', 'its patch is gone');
    const place = findTap(readPatchInfo({ info }).names, address, this.own);
    const lanes = this.reader!.lanes(place);
    if (lanes !== point.lanes) {
      point.gathered = new Float32Array(lanes * this.samples * ticksMax);
      point.ticks = 0;
    }
    point.lanes = lanes;
    point.place = place;
  }
}
