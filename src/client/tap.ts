import type { PatchInfo } from '../dsp/compiler.js';
import { findTap, type TapPlace, TapReader } from '../dsp/tap.js';
import { type EngineParts, mapAsset, mapOf, readPatchInfo, streamViews } from '../engine/attach.js';
import { ProgramLoader } from '../engine/program-loader.js';
import { TenutoError } from '../errors.js';
import { openStreamSegment, streamBytes } from '../memory/stream.js';
import { Shadow, ShadowStep } from '../observe/shadow.js';
import type { Mapping } from '../os/index.js';
import { EngineMemory } from './engine-memory.js';
import type { EngineTap, TapPoint } from './types.js';

interface Point extends TapPoint {
  lanes: number;
  samples: Float32Array;
  /** Null while the patch has no such point. */
  place: TapPlace | null;
}

/** A shadow of a running engine's patch in this process, and the points of it that are listened to. */
export class PatchTap implements EngineTap {
  readonly points: readonly Point[];
  patch!: PatchInfo;
  readonly rate: number;
  readonly quantum: number;
  private readonly memory: EngineMemory;
  private readonly mappings: Mapping[] = [];
  private readonly loader: ProgramLoader;
  private readonly shadow: Shadow;
  private reader!: TapReader;
  private program = 0;
  private isLoading = false;
  private isClosed = false;

  private constructor(
    parts: EngineParts,
    at: { keeperPid: number; segmentFd: number },
    addresses: readonly string[],
  ) {
    this.memory = new EngineMemory(at);
    const { segment } = this.memory;
    const { layout } = segment;
    this.rate = layout.rateHz;
    this.quantum = layout.quantum;
    const keep = (mapping: Mapping) => this.mappings.push(mapping);
    const streams = parts.streamFds.map((fd) => {
      const mapping = mapOf({ pid: parts.keeperPid, fd }, streamBytes(layout));
      keep(mapping);
      return openStreamSegment(mapping.buffer, layout);
    });
    this.loader = new ProgramLoader(segment, {
      streams: streamViews(streams),
      mapAsset: (asset) => mapAsset(parts.keeperPid, asset, keep),
      loadNodes: async (info) => (await import('../dsp/own-nodes.js')).loadOwnNodes(info),
    });
    this.shadow = new Shadow(segment, this.loader.performance);
    this.points = addresses.map((address) => ({
      address,
      lanes: 1,
      samples: new Float32Array(this.quantum),
      place: null,
    }));
  }

  /** @throws TenutoError `TENUTO_PATCH_UNKNOWN`; of the system when the engine is gone */
  static async open(
    parts: EngineParts,
    at: { keeperPid: number; segmentFd: number },
    addresses: readonly string[],
  ): Promise<PatchTap> {
    const tap = new PatchTap(parts, at, addresses);
    try {
      await tap.loader.loadAll();
      tap.lookAt(tap.shadow.program(), true);
      return tap;
    } catch (error) {
      tap.close();
      throw error;
    }
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
    if (this.isClosed || this.isLoading) return false;
    const step = this.shadow.step();
    if (step === ShadowStep.missing) this.load();
    if (step !== ShadowStep.rendered) return false;
    const { program } = this.loader.performance;
    if (program !== this.program) this.lookAt(program, false);
    for (const { place, samples } of this.points) {
      if (place !== null) this.reader.read(place, samples);
    }
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

  /** The engine plays a program that came after this tap: it is loaded aside. */
  private load(): void {
    this.isLoading = true;
    void this.loader
      .loadAll()
      .catch(() => this.close())
      .finally(() => {
        this.isLoading = false;
      });
  }

  /** Finds the points in a program; those that it does not have are silent, or refused at first. */
  private lookAt(program: number, refuses: boolean): void {
    const { performance } = this.loader;
    const renderer = performance.part(program);
    const info = this.loader.infoOf(program);
    if (!renderer || !info) throw new TenutoError('TENUTO_ENGINE_FAILED', 'its patch is gone');
    this.program = program;
    this.patch = readPatchInfo({ info });
    this.reader = new TapReader(renderer, performance.output);
    const own = new Map(
      renderer.program.nodes.map(({ definition }) => [definition.type, definition]),
    );
    for (const point of this.points) {
      point.place = null;
      point.samples.fill(0);
      try {
        point.place = findTap(this.patch.names, point.address, own);
      } catch (error) {
        if (refuses) throw error;
        continue;
      }
      const lanes = this.reader.lanes(point.place);
      if (lanes === point.lanes) continue;
      point.lanes = lanes;
      point.samples = new Float32Array(lanes * this.quantum);
    }
  }
}
