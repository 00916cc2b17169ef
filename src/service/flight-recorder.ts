import { operationOf } from '../dsp/command.js';
import { switchOp, switchWords } from '../dsp/performance.js';
import { ChunkKind } from '../flight/chunk.js';
import {
  type FollowerPlace,
  firstPlace,
  JournalFollower,
  type PatchState,
  placeAfter,
} from '../flight/follower.js';
import {
  encodeGap,
  encodeHead,
  encodeProgramRecord,
  encodeState,
  type JournalHead,
} from '../flight/records.js';
import { encodeStep, type Step } from '../flight/step.js';
import { limits } from '../limits.js';
import { commandWords, RecordStatus, service } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import type { StreamSegment } from '../memory/stream.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';
import type { FlightFolder } from './flight-folder.js';
import { IncidentWatch } from './flight-incidents.js';
import { assetParts, type ProgramShelf, type ShelvedAsset } from './flight-programs.js';
import { FlightWriter, type WrittenPlace } from './flight-writer.js';

/** Between two steps: what a loss of power can cost beyond `syncMs`. */
const stepMs = 200;
/** After the disk refused something, it is tried again. */
const retryMs = 1000;
/** A file is ended at this share of the disk that all may have, should it grow fast. */
const shareOfDisk = 8;

/** The run, as it is met. */
export interface FlightSource {
  segment: Segment;
  streams: readonly StreamSegment[];
  head: JournalHead;
  programs: ProgramShelf;
  /** Index of the service. */
  place: number;
}

export interface FlightPlan {
  /** One file for the whole run; null when a folder holds the recent past. */
  file: string | null;
  folder: FlightFolder | null;
  segmentMs: number;
  diskBytes: number;
  keepBeforeMs: number;
  keepAfterMs: number;
  syncMs: number;
}

export interface FlightClocks {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Monotonic microseconds, as in the engine's events. */
  nowUs(): number;
}

/**
 * Takes down a run as it goes on. It holds nothing that a successor would miss: where it is stands
 * in the engine's memory and in the file. `look` never waits; what the disk is too slow for waits in
 * the engine's own journal, and is a gap once that has gone round.
 */
export class FlightRecorder {
  private follower: JournalFollower;
  private readonly writer: FlightWriter;
  private readonly incidents: IncidentWatch;
  /** Where the last step that was taken ends. */
  private last: FollowerPlace;
  /** The first tick that the journal does not have. */
  private expected: number;
  private file = 0;
  /** Programs that the file holds. */
  private readonly told = new Set<number>();
  private highestTold = 0;
  private fileSinceMs: number;
  private steppedMs = 0;
  private syncedMs = 0;
  private retryAtMs = 0;

  /** @param written - where a predecessor was; null for the first */
  constructor(
    private readonly source: FlightSource,
    private readonly plan: FlightPlan,
    private readonly clocks: FlightClocks,
    written: WrittenPlace | null,
  ) {
    this.incidents = new IncidentWatch(plan.keepAfterMs);
    this.writer = new FlightWriter((place) => this.publish(place));
    this.fileSinceMs = clocks.nowMs();
    this.last = firstPlace(source.segment);
    this.follower = this.follow(this.last);
    this.expected = this.last.nextTick;
    if (written === null) this.begin();
    else this.goOn(written);
  }

  /** Looks what there is to take down. */
  look(): void {
    const nowMs = this.clocks.nowMs();
    if (this.writer.failure !== null) {
      this.recover(nowMs);
      return;
    }
    if (nowMs - this.steppedMs < stepMs) return;
    this.steppedMs = nowMs;
    this.takeAll();
    if (this.isFileOver(nowMs)) this.rotate(nowMs);
    this.keepDue(nowMs);
    if (nowMs - this.syncedMs < this.plan.syncMs) return;
    this.syncedMs = nowMs;
    this.writer.sync();
  }

  /** The run is over: takes down the last of it. Resolves when it is on the disk. */
  async finish(): Promise<void> {
    if (this.writer.failure !== null) this.recover(Number.POSITIVE_INFINITY);
    this.takeAll();
    this.writer.append(ChunkKind.end, Buffer.alloc(0));
    const incident = this.incidents.takeAll();
    if (incident !== null) this.keep(incident);
    await this.writer.close();
  }

  get failure(): NodeJS.ErrnoException | null {
    return this.writer.failure;
  }

  private follow(place: FollowerPlace): JournalFollower {
    return new JournalFollower(this.source.segment, this.source.streams, place, this.clocks);
  }

  /** Begins with the first tick, if that is still there. */
  private begin(): void {
    const { plan, source } = this;
    this.stand(firstPlace(source.segment));
    this.file = 0;
    this.beginFile(plan.folder?.segmentPath(0) ?? plan.file!);
  }

  private goOn(written: WrittenPlace): void {
    this.writer.resume(written);
    this.stand(written.place);
    this.highestTold = written.program;
    this.told.clear();
    for (const { record } of this.source.programs.read()) {
      if (record.number <= written.program) this.told.add(record.number);
    }
    this.file = written.file;
  }

  private stand(place: FollowerPlace): void {
    this.last = place;
    this.follower = this.follow(place);
    this.expected = place.nextTick;
  }

  private beginFile(path: string): void {
    const { writer, source } = this;
    writer.begin(path, this.file);
    writer.append(ChunkKind.head, encodeHead(source.head));
    this.told.clear();
    this.tellPrograms();
    this.fileSinceMs = this.clocks.nowMs();
  }

  /** Programs that came since: before the first step in which one of them plays. */
  private tellPrograms(): void {
    for (const { record, assets } of this.source.programs.read()) {
      if (this.told.has(record.number)) continue;
      for (const asset of assets) this.tellAsset(asset);
      this.writer.append(ChunkKind.program, encodeProgramRecord(record));
      this.told.add(record.number);
      this.highestTold = Math.max(this.highestTold, record.number);
    }
  }

  private tellAsset(asset: ShelvedAsset): void {
    const { folder } = this.plan;
    if (folder === null) {
      this.writer.appendEach(ChunkKind.asset, assetParts(asset));
      return;
    }
    const { head } = this.source;
    const chunks = function* (): Generator<[ChunkKind, Uint8Array]> {
      yield [ChunkKind.head, encodeHead(head)];
      for (const part of assetParts(asset)) yield [ChunkKind.asset, part];
    };
    const { digest } = asset.reference;
    this.writer.aside(folder.assetPath(digest), asset.view.samples.byteLength, chunks());
  }

  private takeAll(): void {
    while (this.writer.queuedBytes < limits.journalQueueBytesMax) {
      const step = this.follower.take();
      if (step === null) break;
      if (step !== 'lost' && this.append(step)) continue;
      if (!this.leap()) break;
    }
  }

  /** False when something is missing before it, or it plays a program that has gone already. */
  private append(step: Step): boolean {
    this.tellPrograms();
    const isAhead = ticksBetween(step.firstTick, this.expected) > 0;
    if (isAhead || !this.hasProgramsOf(step)) return false;
    for (const event of step.events) {
      const agoMs = ((step.clockUs - event.timeUs) >>> 0) / 1000;
      this.incidents.see(event, step.timeMs - agoMs);
    }
    this.last = placeAfter(step);
    this.expected = this.last.nextTick;
    const { last: place, highestTold: program } = this;
    this.writer.append(ChunkKind.step, encodeStep(step), { place, program });
    return true;
  }

  /** Whoever is late may find a program switched to that is no longer there. */
  private hasProgramsOf({ busy }: Step): boolean {
    for (const { fate, commands } of busy) {
      for (let at = 0; fate === RecordStatus.live && at < commands.length; at += commandWords) {
        if (operationOf(commands[at]!) !== switchOp) continue;
        if (!this.told.has(commands[at + switchWords.program]!)) return false;
      }
    }
    return true;
  }

  /** It came too late: goes on from a snapshot. False when it has to be tried again. */
  private leap(): boolean {
    const { segment, place } = this.source;
    const { words, layout } = segment;
    const state = this.follower.rejoin();
    if (state === null) return false;
    const step = this.follower.take();
    if (step === 'lost') return false;
    const to = tickAfter(state.tick, 1);
    const missing = ticksBetween(to, this.expected);
    if (missing > 0) {
      const why = 'the disk or this machine was too slow';
      const gap = { from: this.expected, to, why, timeMs: this.clocks.nowMs() };
      this.writer.append(ChunkKind.gap, encodeGap(gap));
      this.tellState(state);
      const at = layout.services + place * service.words;
      Atomics.add(words, at + service.gaps, 1);
      Atomics.add(words, at + service.lostFrames, missing);
      this.expected = to;
    }
    return step === null || this.append(step);
  }

  private tellState(state: PatchState): void {
    this.tellPrograms();
    this.writer.append(ChunkKind.state, encodeState(state));
  }

  private isFileOver(nowMs: number): boolean {
    const { plan, writer } = this;
    if (plan.folder === null) return false;
    const isLarge = writer.fileBytes > plan.diskBytes / shareOfDisk;
    return isLarge || nowMs - this.fileSinceMs > plan.segmentMs;
  }

  /** Goes on in the next file, which begins with a state and so needs none of those before it. */
  private rotate(nowMs: number): void {
    const { folder } = this.plan;
    if (folder === null) return;
    const state = this.follower.rejoin();
    const step = state === null ? null : this.follower.take();
    const isBehind = state !== null && ticksBetween(state.tick, this.expected) >= 0;
    if (state === null || step === null || step === 'lost' || isBehind) {
      // Another time: there is no snapshot just now, or ticks before it are still to be taken.
      this.follower = this.follow(this.last);
      return;
    }
    this.file++;
    this.beginFile(folder.segmentPath(this.file));
    this.tellState(state);
    this.append(step);
    this.fileSinceMs = nowMs;
    this.writer.also(async () => this.tellBytes(await folder.prune()));
  }

  private keepDue(nowMs: number): void {
    const incident = this.incidents.due(nowMs);
    if (incident === null) return;
    // So that what is kept is whole and does not grow.
    this.rotate(nowMs);
    this.keep(incident);
  }

  private keep(incident: NonNullable<ReturnType<IncidentWatch['takeAll']>>): void {
    const { folder, keepBeforeMs } = this.plan;
    if (folder === null) return;
    const { segment, place } = this.source;
    const at = segment.layout.services + place * service.words + service.kept;
    this.writer.also(async () => {
      await folder.keep(incident, incident.timeMs - keepBeforeMs);
      Atomics.add(segment.words, at, 1);
    });
  }

  /** The disk refused something: after a while it goes on where the file is whole. */
  private recover(nowMs: number): void {
    const { writer, plan } = this;
    this.tellTrouble(writer.failure?.errno ?? 0);
    if (this.retryAtMs === 0) this.retryAtMs = nowMs + retryMs;
    if (nowMs < this.retryAtMs) return;
    this.retryAtMs = 0;
    const { written } = writer;
    const { folder } = plan;
    writer.restart();
    if (folder !== null) writer.also(async () => this.tellBytes(await folder.prune(1)));
    if (written === null) this.begin();
    else this.goOn(written);
  }

  private publish({ file, stepOffset, end, place, program }: WrittenPlace): void {
    const { segment, place: index } = this.source;
    const { words, layout } = segment;
    const at = layout.services + index * service.words;
    // While they change, a successor is to believe none of them.
    Atomics.store(words, at + service.file, 0);
    words[at + service.stepHigh] = Math.floor(stepOffset / 2 ** 32);
    words[at + service.stepLow] = stepOffset | 0;
    words[at + service.nextTick] = place.nextTick;
    words[at + service.program] = program;
    Atomics.store(words, at + service.file, file + 1);
    Atomics.store(words, at + service.begun, 1);
    this.tellTrouble(0);
    if (this.plan.folder === null) this.tellBytes(end);
  }

  private tellTrouble(errno: number): void {
    const { segment, place } = this.source;
    const at = segment.layout.services + place * service.words;
    Atomics.store(segment.words, at + service.trouble, Math.abs(errno));
  }

  private tellBytes(bytes: number): void {
    const { segment, place } = this.source;
    const at = segment.layout.services + place * service.words;
    segment.words[at + service.bytesLow] = bytes | 0;
    segment.words[at + service.bytesHigh] = Math.floor(bytes / 2 ** 32);
  }
}
