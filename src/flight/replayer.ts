import { createHash } from 'node:crypto';
import { createPerformance } from '../dsp/carry.js';
import type { AssetView, StreamView } from '../dsp/node.js';
import { type NodeLibrary, noNodes } from '../dsp/nodes/index.js';
import type { Performance } from '../dsp/performance.js';
import { Renderer } from '../dsp/renderer.js';
import { ClosingFade } from '../engine/closing-fade.js';
import { limits } from '../limits.js';
import { checksumWords } from '../memory/checksum.js';
import { commandWords, OutputKind, RecordStatus } from '../memory/layout.js';
import { firstProgram } from '../memory/programs.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';
import { JournalDamage } from './bytes.js';
import { mixSum, type PatchState } from './follower.js';
import type { AssetPart, AssetReference, JournalHead, JournalProgram } from './records.js';
import type { BusyTick, PlayedRun, Step } from './step.js';

/** Ticks of stream content that a replay holds: more than may wait to be played. */
const ringTicks = 1024;
/** Programs that are held: as many as an engine holds. */
const programsMax = 8;
/** And those that wait in the ticks that were taken down and not played yet. */
const programsWaitingMax = 4 * programsMax;
/** Ticks that were taken down and not played yet, at most: the lead and some steps. */
const pendingTicksMax = 512;

/** Who takes what a replay renders. */
export interface ReplaySink {
  /** One quantum of what was played, interleaved; valid until the next. */
  quantum(samples: Float32Array): void;
  /** So many ticks of it are missing here. */
  missing(ticks: number): void;
}

/** How a replay went. */
export interface ReplayReport {
  /** Quanta that were rendered, and those whose samples were compared with what was played. */
  quanta: number;
  compared: number;
  /** The first tick of a run of quanta whose samples were others; null when all were the same. */
  firstDifference: number | null;
  missingTicks: number;
  /** Quanta of filler that were played beside the content. */
  concealed: number;
  commands: number;
  voided: number;
}

/**
 * Renders a run again from its journal, quantum by quantum as it was played: the filler that stood
 * in for content that waited is left out. What was played left a checksum in the journal, so a
 * replay knows by itself whether it is the same.
 */
export class Replayer {
  readonly report: ReplayReport = {
    quanta: 0,
    compared: 0,
    firstDifference: null,
    missingTicks: 0,
    concealed: 0,
    commands: 0,
    voided: 0,
  };
  private head: JournalHead | null = null;
  private readonly assets = new Map<string, Float32Array>();
  private streams: StreamView[] = [];
  private performance: Performance<Renderer> | null = null;
  /** Numbers of the programs that it holds, oldest first. */
  private readonly programs: number[] = [];
  /** The tick that was rendered last. */
  private tick = 0;
  private pending: Step[] = [];
  private readonly cursors = new Int32Array(limits.streamsMax);
  private fade: { generation: number; fade: ClosingFade } | null = null;
  private out = new Float32Array(0);
  private hasBegun = false;
  /** Output position up to which is known what was played. */
  private position: number | null = null;

  /** @param loadNodes - makes nodes of the user's from the code that a journal brings */
  constructor(
    private readonly sink: ReplaySink,
    private readonly loadNodes: (info: Uint8Array) => Promise<NodeLibrary>,
  ) {}

  /** A file begins. @throws JournalDamage when it is of another run than the one before. */
  begin(head: JournalHead): void {
    if (this.head !== null) {
      if (head.session !== this.head.session) throw new JournalDamage('it is of another run');
      return;
    }
    this.head = head;
    const { quantum, channels, firstTick, rateHz: rate } = head.geometry;
    this.performance = createPerformance({ rate, quantum, channels });
    this.tick = tickAfter(firstTick, -1);
    this.out = new Float32Array(quantum * channels);
    const frames = 2 ** Math.ceil(Math.log2(ringTicks * quantum));
    this.streams = Array.from({ length: limits.streamsMax }, () => ({
      samples: new Float32Array(frames * channels),
      channels,
      frames,
    }));
  }

  /** @throws JournalDamage */
  addAsset({ digest, frames, channels, offset, bytes }: AssetPart): void {
    const held = [...this.assets.values()].reduce((sum, one) => sum + one.byteLength, 0);
    const size = frames * channels * 4;
    if (!this.assets.has(digest) && held + size > limits.assetBytesMax) {
      throw new JournalDamage('its assets are larger than the limit');
    }
    const samples = this.assets.get(digest) ?? new Float32Array(frames * channels);
    if (samples.length !== frames * channels) throw new JournalDamage('an asset changes its size');
    this.assets.set(digest, samples);
    new Uint8Array(samples.buffer).set(bytes, offset);
  }

  /** @throws JournalDamage, TenutoError of the program */
  async load({ number, program, assets, info, hasOwnNodes }: JournalProgram): Promise<void> {
    const { performance, programs } = this;
    const { quantum, rateHz, channels } = this.begun.geometry;
    if (performance === null || programs.includes(number)) return;
    // Every file brings what the engine held: what was played before is not played again.
    if (this.hasBegun && number < performance.program) return;
    const views = assets.map((reference) => this.assetOf(reference));
    const nodes = hasOwnNodes ? await this.loadNodes(info) : noNodes;
    const renderer = new Renderer(program, { streams: this.streams, assets: views }, nodes);
    const fits =
      renderer.quantum === quantum && renderer.rate === rateHz && renderer.channels === channels;
    if (!fits) throw new JournalDamage('its program is for another format');
    performance.add(number, renderer);
    programs.push(number);
    if (number === firstProgram) performance.begin(firstProgram, 0, true);
    if (programs.length > programsMax) this.forgetPrograms(performance);
  }

  /** Those that were played; the others are still to come, though they were written down already. */
  private forgetPrograms(performance: Performance<Renderer>): void {
    const { programs } = this;
    const { program: playing, previous } = performance;
    for (const one of programs.filter((number) => number < playing && number !== previous)) {
      programs.splice(programs.indexOf(one), 1);
      performance.remove(one);
    }
    if (programs.length > programsWaitingMax) throw new JournalDamage('it has too many programs');
  }

  /** Goes on from a state, unless it got there by itself. @throws JournalDamage */
  restore({ tick, arena, program, previous, streamCursors }: PatchState): void {
    if (this.hasBegun && ticksBetween(tick, this.tick) <= 0) return;
    this.playWhatWaits(tick);
    const missing = ticksBetween(tick, this.tick);
    if (this.hasBegun && missing > 0) {
      this.report.missingTicks += missing;
      this.sink.missing(missing);
    }
    this.resume(program, previous, arena);
    this.cursors.set(streamCursors);
    this.tick = tick;
    this.pending = [];
  }

  /** Takes a step, and renders what was played in it. @throws JournalDamage */
  take(step: Step): void {
    const { channels } = this.begun.geometry;
    if (ticksBetween(tickAfter(step.firstTick, step.ticks), this.tick) > 1) this.expect(step);
    for (const { stream, from, samples } of step.parts) {
      const ring = this.streams[stream]!;
      const frames = samples.length / channels;
      if (!Number.isInteger(frames) || frames > ring.frames / 2) {
        throw new JournalDamage('a stream has more frames than its ticks');
      }
      const at = (from & (ring.frames - 1)) * channels;
      const straight = Math.min(samples.length, ring.samples.length - at);
      ring.samples.set(samples.subarray(0, straight), at);
      ring.samples.set(samples.subarray(straight), 0);
    }
    for (const run of step.played) this.play(run);
  }

  private resume(program: number, previous: number, arena: Uint8Array): void {
    const { performance } = this;
    if (performance === null || !performance.begin(program, previous)) {
      throw new JournalDamage('a state is of a program that is not there');
    }
    if (arena.length !== performance.arena.length) {
      throw new JournalDamage('a state is not of its program');
    }
    performance.arena.set(arena);
  }

  /** Before a gap some ticks were taken down of which it is not known any more how they were played. */
  private playWhatWaits(end: number): void {
    const last = this.pending.at(-1);
    if (!this.hasBegun || last === undefined) return;
    const known = tickAfter(last.firstTick, last.ticks);
    while (ticksBetween(known, this.tick) > 1 && ticksBetween(end, this.tick) > 0) {
      this.renderNext({ kind: OutputKind.content, generation: 0 });
    }
  }

  private get begun(): JournalHead {
    if (this.head === null) throw new JournalDamage('it has no head');
    return this.head;
  }

  private assetOf({ digest, channels, frames, rate }: AssetReference): AssetView {
    const samples = this.assets.get(digest);
    if (samples === undefined || samples.length !== frames * channels) {
      throw new JournalDamage('an asset that its program plays is not there');
    }
    const bytes = new Uint8Array(samples.buffer);
    if (createHash('sha256').update(bytes).digest('hex') !== digest) {
      throw new JournalDamage('an asset is not what it was');
    }
    return { samples, channels, frames, rate };
  }

  /** Puts a step's ticks behind those that wait to be rendered. */
  private expect(step: Step): void {
    const last = this.pending.at(-1);
    const known = last ? tickAfter(last.firstTick, last.ticks) : tickAfter(this.tick, 1);
    const ahead = ticksBetween(step.firstTick, known);
    if (ahead > 0) throw new JournalDamage(`${ahead} ticks are missing`);
    // Two files of one run overlap: what is known already is not taken twice.
    if (ticksBetween(tickAfter(step.firstTick, step.ticks), known) <= 0) return;
    this.pending.push(step);
    const end = tickAfter(step.firstTick, step.ticks);
    if (ticksBetween(end, this.tick) > pendingTicksMax) {
      throw new JournalDamage('far more was taken down than played');
    }
  }

  private play(run: PlayedRun): void {
    const isNew = this.position === null || ticksBetween(run.position, this.position) >= 0;
    if (isNew) this.position = tickAfter(run.position, run.quanta);
    if (run.kind === OutputKind.concealed) {
      if (isNew) this.report.concealed += run.quanta;
      return;
    }
    let sum = 0;
    let isWhole = true;
    for (let i = 0; i < run.quanta; i++) {
      const ahead = ticksBetween(tickAfter(run.tick, i), this.tick);
      if (ahead <= 0) isWhole = false;
      else {
        if (ahead > 1) throw new JournalDamage(`${ahead - 1} ticks were not played`);
        sum = mixSum(sum, this.renderNext(run));
      }
    }
    if (!isWhole) return;
    this.report.compared += run.quanta;
    if (sum !== run.sum) this.report.firstDifference ??= run.tick;
  }

  /** Renders the next tick as it was played; the checksum of its samples. */
  private renderNext({ kind, generation }: Pick<PlayedRun, 'kind' | 'generation'>): number {
    const { performance, out } = this;
    if (performance === null || performance.program === 0) {
      throw new JournalDamage('it has no program');
    }
    const tick = tickAfter(this.tick, 1);
    this.applyTick(tick, performance);
    if (performance.isLost) throw new JournalDamage('a program that was played is not there');
    performance.render();
    this.tick = tick;
    this.hasBegun = true;
    out.set(performance.output);
    if (kind === OutputKind.faded) this.fadeOf(generation).apply(out);
    this.report.quanta++;
    this.sink.quantum(out);
    return checksumWords(new Int32Array(out.buffer), 0, out.length);
  }

  private applyTick(tick: number, performance: Performance<Renderer>): void {
    let step = this.pending[0];
    while (step && ticksBetween(tickAfter(step.firstTick, step.ticks), tick) <= 0) {
      this.pending.shift();
      step = this.pending[0];
    }
    if (step === undefined) throw new JournalDamage('a tick was played that is not there');
    const busy = findBusy(step, tick);
    for (const { stream, frames } of busy?.streams ?? []) {
      this.cursors[stream] = (this.cursors[stream]! + frames) | 0;
    }
    for (let i = 0; i < limits.streamsMax; i++) performance.setStreamEnd(i, this.cursors[i]!);
    if (busy === undefined) return;
    if (busy.fate === RecordStatus.reverted) performance.revert();
    if (busy.fate === RecordStatus.silenced) performance.silenceOwn();
    if (busy.fate !== RecordStatus.live) {
      this.report.voided++;
      return;
    }
    for (let at = 0; at < busy.commands.length; at += commandWords) {
      performance.apply(busy.commands, at);
      this.report.commands++;
    }
  }

  /** A driver fades out once; one that takes over in the middle of it begins anew. */
  private fadeOf(generation: number): ClosingFade {
    const { quantum, channels } = this.begun.geometry;
    if (this.fade?.generation !== generation) {
      this.fade = { generation, fade: new ClosingFade(quantum, channels) };
    }
    return this.fade.fade;
  }
}

function findBusy({ busy }: Step, tick: number): BusyTick | undefined {
  let low = 0;
  let high = busy.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = ticksBetween(busy[middle]!.tick, tick);
    if (found === 0) return busy[middle];
    if (found < 0) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}
