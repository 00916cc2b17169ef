import type { PatchInfo } from '../dsp/compiler.js';
import { Renderer } from '../dsp/renderer.js';
import { findTap, type TapPlace, TapReader } from '../dsp/tap.js';
import {
  type EngineParts,
  mapAssets,
  mapOf,
  readPatchInfo,
  streamViews,
} from '../engine/attach.js';
import { openStreamSegment, streamBytes } from '../memory/stream.js';
import { Shadow, ShadowStep } from '../observe/shadow.js';
import type { Mapping } from '../os/index.js';
import { EngineMemory } from './engine-memory.js';
import type { EngineTap, TapPoint } from './types.js';

interface Point extends TapPoint {
  readonly place: TapPlace;
}

/** A shadow of a running engine's patch in this process, and the points of it that are listened to. */
export class PatchTap implements EngineTap {
  readonly points: readonly Point[];
  readonly patch: PatchInfo;
  readonly rate: number;
  readonly quantum: number;
  private readonly memory: EngineMemory;
  private readonly mappings: Mapping[] = [];
  private readonly shadow: Shadow;
  private readonly reader: TapReader;
  private isClosed = false;

  /** @throws TenutoError `TENUTO_PATCH_UNKNOWN`; of the system when the engine is gone */
  constructor(
    parts: EngineParts,
    at: { keeperPid: number; segmentFd: number },
    addresses: readonly string[],
  ) {
    this.patch = readPatchInfo(parts);
    const places = addresses.map((address) => findTap(this.patch.names, address));
    this.memory = new EngineMemory(at);
    const { segment } = this.memory;
    const { layout } = segment;
    this.rate = layout.rateHz;
    this.quantum = layout.quantum;
    const from = layout.program * 4;
    const program = segment.bytes.slice(from, from + layout.programBytes);
    const streams = parts.streamFds.map((fd) => {
      const mapping = mapOf({ pid: parts.keeperPid, fd }, streamBytes(layout));
      this.mappings.push(mapping);
      return openStreamSegment(mapping.buffer, layout);
    });
    const assets = mapAssets(parts, (mapping) => this.mappings.push(mapping));
    const renderer = new Renderer(program, { streams: streamViews(streams), assets });
    this.shadow = new Shadow(segment, renderer);
    this.reader = new TapReader(renderer);
    this.points = places.map((place, index) => {
      const lanes = this.reader.lanes(place);
      const samples = new Float32Array(lanes * this.quantum);
      return { address: addresses[index]!, lanes, samples, place };
    });
  }

  get tick(): number {
    return this.shadow.tick;
  }

  get lostTicks(): number {
    return this.shadow.lostTicks;
  }

  get isEnded(): boolean {
    return this.isClosed || !this.memory.isAlive;
  }

  next(): boolean {
    if (this.isClosed) return false;
    if (this.shadow.step() !== ShadowStep.rendered) return false;
    for (const { place, samples } of this.points) this.reader.read(place, samples);
    return true;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.memory.release();
    for (const mapping of this.mappings) mapping.unmap();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
