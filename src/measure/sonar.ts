import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { type MeasureSettings, measureSchema } from '../settings/index.js';
import { type Calibration, calibrationFault } from './calibration.js';
import { calibrate, findWay, rangeTake, rangingParameters } from './distance.js';
import { Fourier } from './fourier.js';
import { type Latency, measureLatency } from './latency.js';
import type { PersistentStream, Take } from './persistent-stream.js';
import { Ranger, type Ranging, rateMaxHz, type Way } from './ranging.js';
import { KalmanFilter, MedianFilter } from './smoothing.js';
import type { SonarReading } from './sonar-reading.js';

/** Who follows a sonar. None of them may throw. */
export interface SonarListener {
  onReading?(reading: SonarReading, ranging: Ranging | null): void;
  onMessage?(message: string): void;
  /** It has ended: by `stop`, or because it could not go on. */
  onEnd?(reason: string): void;
}

/** Sounds that are kept for an export. */
const takesKept = 64;
/** After a failure it waits so long before it tries again. */
const failureWaitMs = 250;
/** Failures that no other try can heal. */
const fatal = new Set([
  'TENUTO_ENGINE_FAILED',
  'TENUTO_ENGINE_UNREACHABLE',
  'TENUTO_CAPTURE_CLOSED',
  'TENUTO_CAPTURE_OFF',
  'TENUTO_MEASURE_PARAMETERS',
]);

/** What sounds on is recorded for so long at most: by then it has died away. */
const tailSecMax = 0.5;

/** @throws TenutoError `TENUTO_MEASURE_PARAMETERS` */
function checkRate(settings: MeasureSettings, rateHz: number): void {
  const parameters = rangingParameters(settings, rateHz);
  const { updateHz, maxM, durationMs } = settings;
  const most = rateMaxHz(parameters);
  if (updateHz <= most) return;
  const text =
    `updateHz: ${updateHz} rangings a second leave no time for echoes from ${maxM} m and a chirp of ` +
    `${durationMs} ms; at most ${(Math.floor(most * 10) / 10).toFixed(1)} a second, or less of both`;
  throw new TenutoError('TENUTO_MEASURE_PARAMETERS', text);
}

/**
 * Ranges again and again over one stream that it neither opens nor closes: its history, start and
 * stop, and parameters that may be changed while it runs.
 */
export class Sonar {
  readonly history: SonarReading[] = [];
  /** Rangings since the start, and times that one was lost: disturbed, or not looked at in time. */
  count = 0;
  lost = 0;
  calibration: Calibration | null = null;
  private readonly takes: Float32Array[] = [];
  private readonly jobs: (() => Promise<void>)[] = [];
  private ranger: Ranger | null = null;
  private generation = 0;
  /** Where the direct sound was last, over this generation. */
  private way: Way | null = null;
  /** Which ranged last. */
  private last: Ranger | null = null;
  private running: Promise<void> | null = null;
  private stopReason: string | null = null;
  /** Started since it was last stopped. */
  private isWanted = false;
  private wake: (() => void) | null = null;
  private median: MedianFilter;
  private readonly kalman = new KalmanFilter();
  private fourier: Fourier | null = null;

  constructor(
    private readonly stream: PersistentStream,
    private chosen: MeasureSettings,
    private readonly listener: SonarListener = {},
  ) {
    checkRate(chosen, stream.rateHz);
    this.median = new MedianFilter(chosen.filterSize);
  }

  get settings(): Readonly<MeasureSettings> {
    return this.chosen;
  }

  get isRunning(): boolean {
    return this.running !== null;
  }

  /** The highest rate that the range and the chirp leave time for, in Hz. */
  get rateMaxHz(): number {
    return rateMaxHz(rangingParameters(this.chosen, this.stream.rateHz));
  }

  /** Begins; when it runs already nothing happens, and while it stops, it begins again then. */
  start(): void {
    this.isWanted = true;
    if (this.running !== null) return;
    this.stopReason = null;
    this.running = this.run().then((reason) => {
      this.running = null;
      this.listener.onEnd?.(reason);
      if (this.isWanted) this.start();
    });
  }

  /** Ends with the ranging that is on its way. Idempotent. */
  async stop(reason = 'stopped'): Promise<void> {
    this.isWanted = false;
    this.stopReason ??= reason;
    this.wake?.();
    await this.running;
  }

  /**
   * Changes parameters, from the next ranging on.
   *
   * @throws TenutoError `TENUTO_MEASURE_PARAMETERS`; nothing is changed then
   */
  set(change: Partial<MeasureSettings>): void {
    const parsed = measureSchema.safeParse({ ...this.chosen, ...change });
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const text = `${issue?.path.join('.')}: ${issue?.message}`;
      throw new TenutoError('TENUTO_MEASURE_PARAMETERS', text);
    }
    checkRate(parsed.data, this.stream.rateHz);
    this.chosen = parsed.data;
    this.ranger = null;
    this.median = new MedianFilter(parsed.data.filterSize);
    this.kalman.clear();
    this.wake?.();
  }

  /** Forgets what was measured; what was calibrated stays. */
  clear(): void {
    this.history.length = 0;
    this.takes.length = 0;
    this.last = null;
    this.count = 0;
    this.lost = 0;
    this.median.clear();
    this.kalman.clear();
  }

  /** Records what is there without a target; from now on it is taken away. */
  calibrate(): Promise<Calibration> {
    return this.between(async () => {
      const moreSec = Math.min(tailSecMax, 1 / this.chosen.updateHz);
      this.calibration = await calibrate(this.stream, this.chosen, { moreSec });
      this.ranger = null;
      this.say(`calibrated without a target: ${this.calibration.clutter?.takes} recordings`);
      return this.calibration;
    });
  }

  /** Measures the round trip, between two rangings. */
  measureLatency(runs = 10): Promise<Latency> {
    const { channel } = this.chosen;
    return this.between(() => measureLatency(this.stream, { runs, channel }));
  }

  /** The last echo profile, as `Ranger.profile`: from 0 to `maxM`; null before the first. */
  profile(points: number): Float32Array | null {
    return this.last?.profile(points) ?? null;
  }

  /** One line for each reading, with a line of names. */
  toCsv(): string {
    const columns = [
      'count',
      'timeMs',
      'distanceM',
      'smoothedM',
      'flightSec',
      'level',
      'snrDb',
      'confidence',
      'speedMps',
      'generation',
      'removed',
      'repeats',
    ] as const;
    const lines = this.history.map((reading) => {
      const cells = columns.map((column) => reading[column] ?? '');
      return [...cells, reading.failure?.code ?? ''].join(',');
    });
    return `${[...columns, 'failure'].join(',')}\n${lines.join('\n')}${lines.length > 0 ? '\n' : ''}`;
  }

  /** The last recordings, one behind the other: mono, at the stream's rate. */
  sounds(): Float32Array {
    const all = new Float32Array(this.takes.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const take of this.takes) {
      all.set(take, at);
      at += take.length;
    }
    return all;
  }

  /** Runs what must not run beside a ranging. */
  private between<T>(work: () => Promise<T>): Promise<T> {
    if (this.running === null) return work();
    return new Promise((resolve, reject) => {
      this.jobs.push(() => work().then(resolve, reject));
      this.wake?.();
    });
  }

  private say(message: string): void {
    this.listener.onMessage?.(message);
  }

  private async run(): Promise<string> {
    this.fourier ??= await Fourier.load();
    this.say('sonar started');
    while (this.stopReason === null) {
      const job = this.jobs.shift();
      if (job !== undefined) {
        await job();
        continue;
      }
      try {
        await this.follow(this.ranger ?? (await this.prepare()));
      } catch (error) {
        if (!(error instanceof TenutoError)) throw error;
        this.fail(error);
        if (fatal.has(error.code)) void this.stop(error.message);
        else await this.sleep(failureWaitMs);
      }
    }
    for (const job of this.jobs.splice(0)) await job();
    this.say(`sonar stopped: ${this.stopReason}`);
    return this.stopReason;
  }

  /** Ranges a period apart, to the frame, until there is something else to do. */
  private async follow(ranger: Ranger): Promise<void> {
    await using train = this.stream.playTrain(ranger.signal, {
      periodFrames: ranger.periodFrames!,
      recordFrames: ranger.frames,
      channel: this.chosen.channel,
    });
    this.wake = () => void train.stop();
    try {
      while (this.mayGoOn(ranger)) {
        const before = train.missed + train.repeats;
        const next = await train.next();
        this.lost += train.missed + train.repeats - before;
        if (next === null) return;
        this.evaluate(ranger, next.take, next.isFirst);
      }
    } finally {
      this.wake = null;
    }
  }

  private mayGoOn(ranger: Ranger): boolean {
    return this.jobs.length === 0 && this.stopReason === null && this.ranger === ranger;
  }

  private async prepare(): Promise<Ranger> {
    const { stream, chosen } = this;
    const status = await stream.look();
    const now = { stream: await stream.identify(), rateErrorPpm: status.device.rateErrorPpm };
    const fault = this.calibration === null ? null : calibrationFault(this.calibration, now);
    if (fault !== null) this.refuseCalibration(fault);
    if (now.stream.generation !== this.generation || chosen.latencyMs > 0) this.way = null;
    this.way ??= await findWay(stream, chosen, this.calibration);
    this.generation = now.stream.generation;
    const periodFrames = Math.round(stream.rateHz / chosen.updateHz);
    const parameters = rangingParameters(chosen, stream.rateHz);
    const ranger = new Ranger(this.fourier!, parameters, this.way, periodFrames);
    // What was changed in the meantime is prepared anew.
    if (this.chosen === chosen) this.ranger = ranger;
    return ranger;
  }

  private refuseCalibration(fault: string): void {
    this.calibration = null;
    this.say(`the calibration is refused: ${fault}; calibrate again`);
  }

  private evaluate(ranger: Ranger, take: Take, isFirst: boolean): void {
    const { generation, calibration } = this;
    const ranging = rangeTake(ranger, take, { calibration, generation, isFirst });
    this.takes.push(take.samples);
    if (this.takes.length > takesKept) this.takes.shift();
    this.last = ranger;
    const { echo } = ranging;
    const timeMs = Date.now();
    this.keep(
      {
        count: ++this.count,
        timeMs,
        distanceM: echo?.distanceM ?? null,
        smoothedM: echo === null ? null : this.smooth(echo, timeMs / 1000),
        flightSec: echo?.flightSec ?? null,
        level: echo?.level ?? null,
        snrDb: echo?.snrDb ?? null,
        confidence: ranging.confidence,
        speedMps: ranging.sound.speedMps,
        generation: take.stream.generation,
        removed: ranging.removed,
        repeats: take.repeats,
        failure: null,
      },
      ranging,
    );
    // A clock that runs away takes the direct sound along: it is followed.
    const { way } = ranger;
    const off = Math.abs(ranging.directFrames - way.directFrames);
    if (off > way.withinFrames / 2 && this.ranger === ranger) {
      this.way = { ...way, directFrames: ranging.directFrames };
      this.ranger = null;
    }
  }

  private smooth(
    { distanceM, boundM }: { distanceM: number; boundM: number },
    sec: number,
  ): number {
    const middle = this.median.push(distanceM);
    return this.chosen.smoothing === 'kalman' ? this.kalman.push(middle, sec, boundM) : middle;
  }

  private fail(error: TenutoError): void {
    const { code, message } = error;
    this.ranger = null;
    this.way = null;
    this.keep(
      {
        count: ++this.count,
        timeMs: Date.now(),
        distanceM: null,
        smoothedM: null,
        flightSec: null,
        level: null,
        snrDb: null,
        confidence: 0,
        speedMps: null,
        generation: null,
        removed: null,
        repeats: 0,
        failure: { code, message },
      },
      null,
    );
    this.say(`no number: ${message}`);
  }

  private keep(reading: SonarReading, ranging: Ranging | null): void {
    const { history } = this;
    history.push(reading);
    const most = Math.min(this.chosen.history, limits.measureHistoryMax);
    if (history.length > most) history.splice(0, history.length - most);
    this.listener.onReading?.(reading, ranging);
  }

  /** Until the time is over, or something is to be done. */
  private async sleep(ms: number): Promise<void> {
    if (ms <= 0 || this.stopReason !== null || this.jobs.length > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = null;
  }
}
