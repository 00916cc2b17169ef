import { createPerformance } from '../dsp/carry.js';
import type { AssetView, StreamView } from '../dsp/node.js';
import { type NodeLibrary, noNodes } from '../dsp/nodes/index.js';
import type { Performance } from '../dsp/performance.js';
import { Renderer } from '../dsp/renderer.js';
import { livePrograms, type ProgramContent, readProgram } from '../memory/programs.js';
import type { Segment } from '../memory/segment.js';

/** What loading a program needs of its process. */
export interface ProgramHost {
  readonly streams: readonly StreamView[];
  /** Maps a sound that the keeper holds. */
  mapAsset(asset: { channels: number; frames: number; rate: number; fd: number }): AssetView;
  /** The nodes of the user's that a program brings. */
  loadNodes(info: Uint8Array): Promise<NodeLibrary>;
}

/**
 * Loads the programs of an engine into a performance: for replicas, and for who renders beside
 * them. Not for the audio thread.
 */
export class ProgramLoader {
  readonly performance: Performance<Renderer>;
  /** The highest number that was loaded. */
  loaded = 0;
  private readonly known = new Set<number>();
  private readonly infos = new Map<number, Uint8Array>();

  constructor(
    private readonly segment: Segment,
    private readonly host: ProgramHost,
  ) {
    const { rateHz: rate, quantum, channels } = segment.layout;
    this.performance = createPerformance({ rate, quantum, channels });
  }

  /** What people know of a program, as JSON. */
  infoOf(number: number): Uint8Array | undefined {
    return this.infos.get(number);
  }

  /** Loads all that there are. @throws what `load` throws */
  async loadAll(): Promise<void> {
    for (let next = this.next(); next; next = this.next()) await this.load(next.number, next.at);
    this.forget();
  }

  /** Number and slot of a program that is there and not loaded yet; the oldest first. */
  next(): { number: number; at: number } | undefined {
    return livePrograms(this.segment).find(({ number }) => !this.known.has(number));
  }

  /**
   * Loads the program in a slot. It is not tried again, whatever becomes of it.
   *
   * @throws TenutoError, and whatever code of the user's throws
   */
  async load(number: number, at: number): Promise<Renderer> {
    this.known.add(number);
    const content = readProgram(this.segment, at);
    if (content?.number !== number) throw new Error('the program is not whole');
    const renderer = await this.build(content);
    this.infos.set(number, content.info);
    this.performance.add(number, renderer);
    this.loaded = Math.max(this.loaded, number);
    return renderer;
  }

  /** Forgets programs that are no longer there. */
  forget(): void {
    const there = new Set(livePrograms(this.segment).map(({ number }) => number));
    for (const number of this.known) {
      if (there.has(number)) continue;
      this.performance.remove(number);
      this.infos.delete(number);
    }
  }

  private async build({ program, info, hasOwnNodes, assets }: ProgramContent): Promise<Renderer> {
    const { streams } = this.host;
    const nodes = hasOwnNodes ? await this.host.loadNodes(info) : noNodes;
    const views = assets.map((asset) => this.host.mapAsset(asset));
    return new Renderer(program, { streams: [...streams], assets: views }, nodes);
  }
}
