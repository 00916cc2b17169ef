import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { infoOf, type PatchInfo } from '../dsp/compiler.js';
import {
  type KeeperMessage,
  type LaunchOrder,
  launcherWish,
  type OrderPlace,
} from '../engine/orders.js';
import { TenutoError } from '../errors.js';
import type { Segment } from '../memory/segment.js';
import { readStatus, type Status } from '../observe/status.js';
import { createSharedMemory, mapShared } from '../os/index.js';
import { type Reloaded, reloadSettings, type Settings } from '../settings/index.js';
import { demandCapture } from './capture.js';
import { Connection } from './connection.js';
import { EngineMemory } from './engine-memory.js';
import { firstDevices } from './first-devices.js';
import { prepareKeeper } from './keeper-process.js';
import { changedOrderOf, orderOf } from './order.js';
import type { PlayTrainOptions, SignalTrain } from './train-types.js';
import type {
  Applied,
  CaptureFormat,
  CommandInput,
  EngineCapture,
  EngineEnd,
  EngineStream,
  LoadedAsset,
  PatchGiven,
  PlayAndRecordOptions,
  Recorded,
  Restored,
  RunningEngine,
  SetOptions,
  StartOptions,
  StateView,
  StreamFormat,
} from './types.js';

/** Control starts when there is sound; until then a client waits. */
const controlMs = 30_000;

/** A descriptor of memory that holds these bytes. */
function memoryOf(name: string, content: Uint8Array): number {
  const bytes = Math.max(content.length, 1);
  const fd = createSharedMemory({ name, bytes });
  const mapping = mapShared(fd, bytes, { writable: true });
  new Uint8Array(mapping.buffer).set(content);
  mapping.unmap();
  return fd;
}

function assetMemory(asset: LoadedAsset): number {
  const { buffer, byteOffset, byteLength } = asset.samples;
  return memoryOf('tenuto:asset', new Uint8Array(buffer, byteOffset, byteLength));
}

/** Lays the order ready where the keeper fetches it; the descriptors are the caller's to close. */
function layReady(order: LaunchOrder, options: StartOptions, isLoaded: boolean): OrderPlace {
  const info = JSON.stringify(infoOf(options.patch, isLoaded));
  return {
    order: memoryOf('tenuto:order', Buffer.from(JSON.stringify(order))),
    program: memoryOf('tenuto:program', options.patch.program),
    patch: memoryOf('tenuto:patch', Buffer.from(info)),
    assets: (options.assets ?? []).map(assetMemory),
  };
}

type Started = Extract<KeeperMessage, { event: 'started' }>;

/** A promise and what settles it. */
class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: Error) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Who waits for it hears of the failure; if nobody does, it is not unheard of.
    this.promise.catch(() => {});
  }
}

/** What a keeper tells, line by line, as events that have or have not come yet. */
class KeeperVoice {
  readonly started = new Deferred<Started>();
  readonly playing = new Deferred<void>();
  readonly ended = new Deferred<EngineEnd>();
  private end: EngineEnd = { report: null };

  constructor(child: ChildProcess) {
    createInterface({ input: child.stdout! }).on('line', (line) => this.hear(line));
    child.stdin!.on('error', () => {});
    child.once('close', () => {
      this.fail(new TenutoError('TENUTO_ENGINE_FAILED', 'the engine ended before it was up'));
      this.ended.resolve(this.end);
    });
  }

  private hear(line: string): void {
    if (!line.startsWith('{')) {
      process.stderr.write(`${line}\n`);
      return;
    }
    const message = JSON.parse(line) as KeeperMessage;
    if (message.event === 'started') this.started.resolve(message);
    else if (message.event === 'playing') this.playing.resolve();
    else if (message.event === 'ended') this.end = { report: message.report };
    else this.fail(new TenutoError(message.code, message.message));
  }

  private fail(error: TenutoError): void {
    this.started.reject(error);
    this.playing.reject(error);
  }
}

/**
 * Starts an engine: its keeper, which starts all else. The engine lives as long as this program,
 * or until `stop`; should this program die, the engine fades out and ends.
 *
 * @throws TenutoError `TENUTO_ENGINE_EXISTS`, `TENUTO_DEVICE_UNKNOWN`, `TENUTO_SETTINGS_INVALID`,
 *   `TENUTO_SYSTEM`
 */
export async function startEngine(given: StartOptions): Promise<RunningEngine> {
  const restoration = given.restore
    ? await (await import('./restoration.js')).restorationFor(given)
    : null;
  const options = { ...given, ...restoration?.loaded };
  const devices = await firstDevices(options.settings.device, options.env);
  const order = orderOf(options, devices, restoration?.records);
  const child = options.keeper?.take() ?? prepareKeeper(order.name, options.env).take();
  if (child === null) throw new TenutoError('TENUTO_SYSTEM', 'the keeper could not be started');
  const voice = new KeeperVoice(child);
  const place = layReady(order, options, restoration?.loaded !== undefined);
  try {
    child.stdin!.write(`${JSON.stringify(place)}\n`);
    const restored = restoration?.restored ?? null;
    const started = await voice.started.promise;
    return new LaunchedEngine(order.name, child, voice, started, restored, options.settings);
  } finally {
    const { order: orderFd, program, patch, assets } = place;
    for (const fd of [orderFd, program, patch, ...assets]) closeSync(fd);
  }
}

class LaunchedEngine implements RunningEngine {
  readonly keeperPid: number;
  readonly memory: Segment;
  readonly playing: Promise<void>;
  readonly ended: Promise<EngineEnd>;
  private lastStatus: Status | null = null;
  private connection: Promise<Connection> | null = null;

  constructor(
    readonly name: string,
    private readonly child: ChildProcess,
    voice: KeeperVoice,
    started: Started,
    readonly restored: Restored | null,
    private settings: Settings,
  ) {
    const memory = new EngineMemory({ keeperPid: started.pid, segmentFd: started.segmentFd });
    const { segment } = memory;
    this.keeperPid = started.pid;
    this.memory = segment;
    this.playing = voice.playing.promise;
    this.ended = voice.ended.promise;
    void this.ended.then(() => {
      this.lastStatus = readStatus(segment, name);
      // Whoever waits for the end may still read in the same turn; then the memory goes.
      setImmediate(() => memory.release());
      void this.connection?.then(
        (connection) => {
          connection.engineEnded();
          connection.close();
        },
        () => {},
      );
    });
  }

  status(): Status {
    return this.lastStatus ?? readStatus(this.memory, this.name);
  }

  stop(): Promise<EngineEnd> {
    this.child.stdin!.write(launcherWish.stop);
    return this.ended;
  }

  reload(settings: Settings): Reloaded {
    const reloaded = reloadSettings(this.settings, settings);
    this.settings = reloaded.settings;
    const order = JSON.stringify(changedOrderOf(reloaded.settings));
    if (reloaded.taken.length > 0) this.child.stdin!.write(`${launcherWish.change}${order}\n`);
    return reloaded;
  }

  forceStop(): void {
    this.child.stdin!.write(launcherWish.force);
  }

  async openStream(format: StreamFormat): Promise<EngineStream> {
    return (await this.reach()).openStream(format);
  }

  async command(command: CommandInput): Promise<Applied> {
    return (await this.reach()).command(command);
  }

  async set(
    path: string,
    value: number | string | boolean,
    options?: SetOptions,
  ): Promise<Applied> {
    return (await this.reach()).set(path, value, options);
  }

  async loadPatch(patch: PatchGiven): Promise<Applied> {
    return (await this.reach()).loadPatch(patch);
  }

  async patch(): Promise<PatchInfo> {
    return (await this.reach()).patch();
  }

  async get(path?: string): Promise<StateView> {
    return (await this.reach()).get(path);
  }

  async capture(format?: CaptureFormat): Promise<EngineCapture> {
    demandCapture(this.name, this.memory);
    return (await this.reach()).capture(format);
  }

  async playAndRecord(signal: Float32Array, options?: PlayAndRecordOptions): Promise<Recorded> {
    demandCapture(this.name, this.memory);
    return (await this.reach()).playAndRecord(signal, options);
  }

  async playTrain(signal: Float32Array, options: PlayTrainOptions): Promise<SignalTrain> {
    demandCapture(this.name, this.memory);
    return (await this.reach()).playTrain(signal, options);
  }

  private reach(): Promise<Connection> {
    this.connection ??= this.connect();
    return this.connection;
  }

  /** A failed attempt is not the last one. */
  private async connect(): Promise<Connection> {
    const connection = new Connection(this.name);
    try {
      await connection.open(controlMs);
      return connection;
    } catch (error) {
      this.connection = null;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
