import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type LoadedAsset, type RunningEngine, startEngine } from '../client/index.js';
import type { CompiledPatch } from '../dsp/index.js';
import { readCounters } from '../memory/counters.js';
import type { Segment } from '../memory/segment.js';
import { monotonicNs } from '../os/index.js';
import type { Settings } from '../settings/index.js';
import { compareWithOffline } from './comparison.js';
import { OutputCheck } from './output-check.js';
import { Recovery } from './recovery.js';
import { durationsOf, type FaultKind, type FaultTarget, type SoakReport } from './report.js';
import { soakSettings } from './soak-settings.js';
import { Storm } from './storm.js';
import { makeTemporaryFolder } from './temporary-folder.js';

/** Between two looks at the engine's memory; the output ring holds a thousand times as much. */
const lookMs = 4;
/** The engine is whole before the first fault, but not waited for longer than this. */
const settleMs = 3000;
/** No faults in the last part of the stream, so that it shows whether the engine recovers. */
const calmSec = 0.5;
/** A recorder that hangs is noticed after a second, and has to be back before its file ends. */
const calmAfterHangSec = 2.5;

/** What a soak does. */
export interface SoakOptions {
  /** The engine's name is made unique unless one is set; the default device is the virtual one. */
  settings: Settings;
  patch: CompiledPatch;
  assets?: readonly LoadedAsset[];
  /** Seconds of the stream. */
  seconds: number;
  /** Whom to kill, and whom to stop. */
  kill: readonly FaultTarget[];
  hang: readonly FaultTarget[];
  /** Faults per second. */
  rate: number;
  /** Whole number, 0 to 2^32 - 1. */
  seed: number;
  /** Faults in all. Default: as many as there is time for. */
  faultsMax?: number;
  /** First tick; not 0 only to try the wrap of the tick. */
  firstTick?: number;
  /** Ends the soak in order; what was played until then is judged. */
  signal?: AbortSignal;
  /** Called twice a second. */
  onProgress?: (progress: SoakProgress) => void;
}

export interface SoakProgress {
  /** Seconds of the stream so far. */
  elapsedSec: number;
  faults: Partial<Record<FaultKind, number>>;
  underruns: number;
  lostFrames: number;
}

/**
 * Runs an engine under a storm of faults and says whether one sample was lost or changed: by its
 * own reading of the output ring, and by the recording, both against an offline rendering.
 *
 * @throws TenutoError as `startEngine` does
 */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  using folder = makeTemporaryFolder();
  const recordPath = join(folder.path, 'soak.wav');
  await using engine = await startEngine({
    settings: soakSettings(options.settings),
    patch: options.patch,
    assets: options.assets ?? [],
    recordPath,
    seconds: options.seconds,
    firstTick: options.firstTick ?? 0,
  });
  const stop = () => void engine.stop();
  options.signal?.addEventListener('abort', stop);
  if (options.signal?.aborted) stop();
  try {
    return await new Soak(options, engine, recordPath).run();
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
}

class Soak {
  private readonly memory: Segment;
  private readonly output: OutputCheck;
  private readonly recovery: Recovery;
  private faults: SoakReport['faults'] = {};
  private counters: SoakReport['counters'];
  private progressUs = 0;

  constructor(
    private readonly options: SoakOptions,
    private readonly engine: RunningEngine,
    private readonly recordPath: string,
  ) {
    this.memory = engine.memory;
    this.output = new OutputCheck(this.memory);
    this.recovery = new Recovery(this.memory);
    this.counters = readCounters(this.memory);
  }

  async run(): Promise<SoakReport> {
    let ended = false;
    const end = this.engine.ended.then((how) => {
      ended = true;
      // The memory is given back after this turn.
      this.look(monotonicNs() / 1000);
      return how;
    });
    const settledUs = monotonicNs() / 1000 + settleMs * 1000;
    let storm: Storm | null = null;
    while (!ended) {
      const nowUs = monotonicNs() / 1000;
      this.look(nowUs);
      if (storm === null) {
        if (this.isWhole() || nowUs > settledUs) storm = this.beginStorm(nowUs);
      } else if (!this.isLate()) {
        const strike = storm.poll(nowUs);
        if (strike) this.recovery.note(strike);
      }
      await delay(lookMs);
    }
    const { report } = await end;
    return this.judge(report?.reason ?? null);
  }

  private beginStorm(nowUs: number): Storm {
    const { kill, hang, rate, seed, faultsMax = Number.POSITIVE_INFINITY } = this.options;
    const { keeperPid } = this.engine;
    const storm = new Storm(this.memory, keeperPid, { kill, hang, rate, seed, faultsMax }, nowUs);
    this.faults = storm.done;
    return storm;
  }

  private look(nowUs: number): void {
    this.output.catchUp();
    this.recovery.poll(nowUs);
    this.counters = readCounters(this.memory);
    if (nowUs - this.progressUs < 500_000) return;
    this.progressUs = nowUs;
    this.options.onProgress?.({
      elapsedSec: this.playedSec(),
      faults: { ...this.faults },
      underruns: this.counters.underruns,
      lostFrames: this.lostFrames(),
    });
  }

  /** Every process is up: nothing but the storm is to blame from here on. */
  private isWhole(): boolean {
    const { state, processes } = this.engine.status();
    const up = processes.every((one) => one.state === 'running' || one.state === 'standby');
    return state === 'running' && up;
  }

  private isLate(): boolean {
    const { seconds, hang } = this.options;
    const isSlow = hang.includes('recorder') || hang.includes('control');
    return this.playedSec() > seconds - (isSlow ? calmAfterHangSec : calmSec);
  }

  private playedSec(): number {
    const { quantum, rateHz } = this.memory.layout;
    return (this.output.contentQuanta * quantum) / rateHz;
  }

  private lostFrames(): number {
    const skipped = this.output.missingQuanta * this.memory.layout.quantum;
    return Math.max(skipped, this.counters.recorderLostFrames);
  }

  private async judge(ended: SoakReport['ended']): Promise<SoakReport> {
    const { options, output, recovery, counters } = this;
    const { quantum, rateHz } = this.memory.layout;
    const whole = ended === 'stop-tick';
    const played = output.contentQuanta * quantum;
    const wanted = Math.round(options.seconds * rateHz);
    const frames = whole ? wanted : played;
    const found = await compareWithOffline({
      program: options.patch.program,
      assets: options.assets ?? [],
      path: this.recordPath,
      frames,
      whole,
      quanta: output.contentQuanta,
    });
    const shortFrames = Math.max(0, frames - found.frames, frames - played);
    const lostFrames = Math.max(this.lostFrames(), shortFrames);
    const bitExact =
      found.firstDifference === null &&
      found.headerEqual &&
      (!output.complete || found.digest === output.digest());
    return {
      v: 1,
      seed: options.seed,
      seconds: Math.min(played, frames) / rateHz,
      faults: this.faults,
      underruns: counters.underruns,
      concealedQuanta: counters.concealed,
      lostFrames,
      bitExact,
      firstDifference: found.firstDifference,
      order: output.order,
      takeoverMs: durationsOf(recovery.takeoverMs),
      rejoinMs: durationsOf(recovery.rejoinMs),
      rejoinHungMs: durationsOf(recovery.rejoinHungMs),
      controlBackMs: durationsOf(recovery.controlBackMs),
      recorderBackMs: durationsOf(recovery.recorderBackMs),
      counters,
      ended,
      ok: bitExact && lostFrames === 0 && output.order === 'ok' && this.endedAsAsked(ended),
    };
  }

  private endedAsAsked(ended: SoakReport['ended']): boolean {
    if (ended === 'stop-tick') return true;
    return this.options.signal?.aborted === true && (ended === 'lifeline' || ended === 'requested');
  }
}
