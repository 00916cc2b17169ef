import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type RunningEngine, startEngine } from '../client/index.js';
import { compilePatch, parsePatch } from '../dsp/index.js';
import { limits } from '../limits.js';
import { type CounterName, readCounters } from '../memory/counters.js';
import { clock, SeatState } from '../memory/layout.js';
import { seatState } from '../memory/stream-seats.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';
import { memoryPss, monotonicNs } from '../os/index.js';
import type { Settings } from '../settings/index.js';
import { choose, type Random, seededRandom } from './random.js';
import { type Durations, durationsOf, type FaultKind, type FaultTarget } from './report.js';
import { soakSettings } from './soak-settings.js';
import { Storm } from './storm.js';
import { StreamLedger } from './stream-ledger.js';
import type { ProducerMessage, ProducerOrder } from './stream-producer.js';
import { proveStreams, type StreamMark } from './stream-proof.js';
import { makeTemporaryFolder } from './temporary-folder.js';

/** Between two looks; the journal is a thousand times as deep. */
const lookMs = 10;
const memoryEveryMs = 1000;
/** Producers that have not ended so long after their time are stuck. */
const graceMs = 90_000;
/** Signals that one process of producers may use; each has numbers of its own. */
const signalsPerProcess = 1 << 20;

const silentPatch = 'nodes: { nothing: { type: gain }, out: { type: out, in: nothing } }';

/** What a storm of streams does. */
export interface StreamStormOptions {
  settings: Settings;
  /** Producers at once, each with one stream after the other. */
  producers: number;
  /** Processes that they are spread over. */
  processes: number;
  /** For how long they open new streams. */
  seconds: number;
  seed: number;
  /** Processes of producers killed per second, each replaced by another one. Default 0. */
  clientKillsPerSec?: number;
  /** Engine processes to kill meanwhile, and how many per second. Default: none. */
  kill?: readonly FaultTarget[];
  rate?: number;
  signal?: AbortSignal;
  onProgress?: (progress: { elapsedSec: number; streams: number; failures: number }) => void;
}

/** What a storm of streams found. */
export interface StreamStormReport {
  v: 1;
  seed: number;
  producers: number;
  processes: number;
  /** Seconds of the recording that were compared. */
  seconds: number;
  /** Streams opened; of them closed, aborted, and lost with a process that was killed. */
  opened: number;
  closed: number;
  aborted: number;
  killed: number;
  /** Waits for a stream to become free. */
  waitMs: Durations;
  /** Frames that were played, and that were taken back by flushes before they were. */
  frames: number;
  flushedFrames: number;
  /** Frames of closed streams that no tick played, and played frames that nobody wrote. */
  lostFrames: number;
  strangeFrames: number;
  /** The recording is the exact sum of what the streams played, bit for bit. */
  bitExact: boolean;
  firstDifference: number | null;
  /** `ok`, or what was first wrong in the journal. */
  order: string;
  /** What clients were refused, by error code. */
  failures: Record<string, number>;
  /** Processes of producers that did not come to an end. */
  stuck: number;
  /** Streams that were not free when all clients were gone. */
  leftTaken: number;
  /** Times the device was opened again. */
  recreations: number;
  faults: Partial<Record<FaultKind, number>>;
  /** Memory of the engine's processes (PSS), in MB, once a second. */
  memoryMb: { first: number; middle: number; last: number; max: number };
  counters: Record<CounterName, number>;
  ok: boolean;
}

/**
 * Lets many programs open, write, flush, close and abort streams of one engine at once, and proves
 * by the recording that every frame of every stream was played once, in order and unaltered.
 *
 * @throws TenutoError as `startEngine` does
 */
export async function runStreamStorm(options: StreamStormOptions): Promise<StreamStormReport> {
  using folder = makeTemporaryFolder();
  const recordPath = join(folder.path, 'streams.wav');
  const settings = soakSettings(options.settings);
  const { rateHz: rate, quantumFrames: quantum, channels } = settings.engine;
  const patch = compilePatch(parsePatch(silentPatch, 'silence'), { rate, quantum, channels });
  await using engine = await startEngine({ settings, patch, recordPath });
  return await new StreamStorm(options, engine, recordPath).run();
}

class StreamStorm {
  private readonly ledger: StreamLedger;
  private readonly random: Random;
  private readonly marks: StreamMark[] = [];
  private readonly waitsMs: number[] = [];
  private readonly closed: Extract<ProducerMessage, { tells: 'closed' }>[] = [];
  private readonly failures: Record<string, number> = {};
  /** The processes of producers, and how many streams each has opened. */
  private readonly children = new Map<ChildProcess, number>();
  private readonly memoryMb: number[] = [];
  private memoryMs = 0;
  private nextProcess = 0;
  private storm: Storm | null = null;
  private killedMs = 0;

  constructor(
    private readonly options: StreamStormOptions,
    private readonly engine: RunningEngine,
    private readonly recordPath: string,
  ) {
    this.ledger = new StreamLedger(engine.memory);
    this.random = seededRandom(options.seed);
  }

  async run(): Promise<StreamStormReport> {
    const { options } = this;
    await this.engine.playing;
    const startMs = performance.now();
    const endMs = startMs + options.seconds * 1000;
    for (let i = 0; i < options.processes; i++) this.spawn(options.seconds);
    while (this.children.size > 0) {
      const nowMs = performance.now();
      this.look(nowMs);
      if (nowMs < endMs && options.signal?.aborted !== true) this.harm(nowMs, endMs);
      if (nowMs > endMs + graceMs || options.signal?.aborted === true) break;
      await delay(lookMs);
    }
    const stuck = options.signal?.aborted === true ? 0 : this.children.size;
    for (const child of this.children.keys()) child.kill('SIGKILL');
    const leftTaken = await this.settle();
    const counters = readCounters(this.engine.memory);
    const { layout } = this.engine.memory;
    await this.engine.stop();
    const proof = await proveStreams(this.recordPath, layout, this.ledger, this.marks);
    return this.judge(proof, { stuck, leftTaken, counters });
  }

  /** Starts a process with its part of the producers. */
  private spawn(seconds: number): void {
    const { options, engine } = this;
    const { rateHz: rate, channels } = engine.memory.layout;
    const number = this.nextProcess++;
    const order: ProducerOrder = {
      engine: engine.name,
      parentPid: process.pid,
      rate,
      channels,
      producers: Math.ceil(options.producers / options.processes),
      seconds,
      seed: options.seed + number,
      firstSignal: number * signalsPerProcess,
    };
    const script = fileURLToPath(new URL('../soak/stream-producer.js', import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(order)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.children.set(child, 0);
    createInterface({ input: child.stdout! }).on('line', (line) => this.hear(child, line));
    child.once('error', () => this.children.delete(child));
    child.once('close', () => this.children.delete(child));
  }

  private hear(child: ChildProcess, line: string): void {
    const message = JSON.parse(line) as ProducerMessage;
    if (message.tells === 'mark') this.marks.push(message.mark);
    else if (message.tells === 'opened') {
      this.waitsMs.push(message.waitedMs);
      const opened = this.children.get(child);
      // Its last lines may be read when it is gone.
      if (opened !== undefined) this.children.set(child, opened + 1);
    } else if (message.tells === 'closed') this.closed.push(message);
    else if (message.tells === 'failed') {
      this.failures[message.code] = (this.failures[message.code] ?? 0) + 1;
    }
  }

  private look(nowMs: number): void {
    this.ledger.catchUp();
    if (nowMs - this.memoryMs < memoryEveryMs) return;
    this.memoryMs = nowMs;
    const pids = this.engine.status().processes.map(({ pid }) => pid);
    const bytes = pids.reduce((sum, pid) => sum + (memoryPss(pid) ?? 0), 0);
    this.memoryMb.push(bytes / 1e6);
    const { quantum, rateHz } = this.engine.memory.layout;
    this.options.onProgress?.({
      elapsedSec: (this.ledger.ticks * quantum) / rateHz,
      streams: this.waitsMs.length,
      failures: Object.values(this.failures).reduce((a, b) => a + b, 0),
    });
  }

  private harm(nowMs: number, endMs: number): void {
    const { kill = [], rate = 1, seed, clientKillsPerSec = 0 } = this.options;
    if (kill.length > 0) {
      const faults = { kill, hang: [], rate, seed, faultsMax: Number.POSITIVE_INFINITY };
      this.storm ??= new Storm(
        this.engine.memory,
        this.engine.keeperPid,
        faults,
        monotonicNs() / 1000,
      );
      this.storm.poll(monotonicNs() / 1000);
    }
    if (this.killedMs === 0) this.killedMs = nowMs;
    if (clientKillsPerSec === 0 || nowMs - this.killedMs < 1000 / clientKillsPerSec) return;
    const victims = [...this.children].filter(([, opened]) => opened > 0).map(([child]) => child);
    const victim = choose(victims, this.random);
    if (victim === undefined) return;
    this.killedMs = nowMs;
    victim.kill('SIGKILL');
    this.spawn((endMs - nowMs) / 1000);
  }

  /** Lets all that was sealed be played, and the desk take every stream back. */
  private async settle(): Promise<number> {
    const { memory } = this.engine;
    const { words, layout } = memory;
    const deadlineMs = performance.now() + 5000;
    let taken: number = limits.streamsMax;
    while (taken > 0 && performance.now() < deadlineMs) {
      await delay(lookMs);
      this.ledger.catchUp();
      taken = 0;
      for (let i = 0; i < limits.streamsMax; i++) {
        if (seatState(memory, i) !== SeatState.free) taken++;
      }
    }
    const last = tickAfter(layout.firstTick, this.ledger.ticks - 1);
    while (ticksBetween(words[layout.clock + clock.headTick]!, last) <= 0) {
      if (performance.now() > deadlineMs) break;
      await delay(lookMs);
    }
    return taken;
  }

  private judge(
    proof: Awaited<ReturnType<typeof proveStreams>>,
    more: { stuck: number; leftTaken: number; counters: Record<CounterName, number> },
  ): StreamStormReport {
    const { options, ledger, memoryMb, closed } = this;
    const { quantum, rateHz } = this.engine.memory.layout;
    const whole = closed.filter(({ how }) => how === 'closed');
    const lostFrames = whole.reduce((lost, { signal, written, flushed }) => {
      return lost + Math.abs(written - flushed - (proof.playedOf.get(signal) ?? 0));
    }, 0);
    const wrongBooks = whole.filter(({ written, played, flushed }) => written !== played + flushed);
    const { recreations, divergences } = more.counters;
    const failed = Object.values(this.failures).reduce((a, b) => a + b, 0);
    const bitExact = proof.firstDifference === null && proof.strangeFrames === 0;
    const order = wrongBooks.length > 0 ? 'a client counts wrongly' : ledger.order;
    const clean =
      more.stuck === 0 && more.leftTaken === 0 && failed === 0 && divergences + recreations === 0;
    return {
      v: 1,
      seed: options.seed,
      producers: options.producers,
      processes: options.processes,
      seconds: (ledger.ticks * quantum) / rateHz,
      opened: this.waitsMs.length,
      closed: whole.length,
      aborted: closed.length - whole.length,
      killed: this.waitsMs.length - closed.length,
      waitMs: durationsOf(this.waitsMs),
      frames: proof.frames,
      flushedFrames: closed.reduce((sum, { flushed }) => sum + flushed, 0),
      lostFrames,
      strangeFrames: proof.strangeFrames,
      bitExact,
      firstDifference: proof.firstDifference,
      order,
      failures: this.failures,
      stuck: more.stuck,
      leftTaken: more.leftTaken,
      recreations,
      faults: this.storm?.done ?? {},
      memoryMb: {
        first: memoryMb[0] ?? 0,
        middle: memoryMb[memoryMb.length >> 1] ?? 0,
        last: memoryMb.at(-1) ?? 0,
        max: Math.max(0, ...memoryMb),
      },
      counters: more.counters,
      ok: bitExact && lostFrames === 0 && order === 'ok' && clean,
    };
  }
}
