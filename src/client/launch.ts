import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { KeeperMessage, LaunchOrder } from '../engine/orders.js';
import { TenutoError } from '../errors.js';
import { layoutOf } from '../memory/layout.js';
import { headerBytes, openSegment, readGeometry, type Segment } from '../memory/segment.js';
import { readStatus, type Status } from '../observe/status.js';
import { createSharedMemory, mapShared, openSharedMemory } from '../os/index.js';
import { orderOf } from './order.js';
import { openStreamWriter } from './stream-writer.js';
import type { EngineEnd, LoadedAsset, RunningEngine, StartOptions, StreamWriter } from './types.js';

/** The keeper's own heap is small: it only decides. */
const keeperFlags = ['--max-semi-space-size=1', '--max-old-space-size=64'];

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

function spawnKeeper(order: LaunchOrder, options: StartOptions): ChildProcess {
  const fds = [
    memoryOf('tenuto:order', Buffer.from(JSON.stringify(order))),
    memoryOf('tenuto:program', options.patch.program),
    ...(options.assets ?? []).map(assetMemory),
  ];
  const script = fileURLToPath(new URL('../engine/keeper.js', import.meta.url));
  // A session of its own: what a terminal sends to its foreground group does not reach the engine.
  const child = spawn(
    process.execPath,
    [...keeperFlags, script, `name=${order.name}`.padEnd(64, ' ')],
    { detached: true, stdio: ['pipe', 'pipe', 'inherit', ...fds] },
  );
  for (const fd of fds) closeSync(fd);
  return child;
}

/** The engine's memory, for reading only. */
function mapSegment(pid: number, segmentFd: number): Segment {
  const fd = openSharedMemory({ pid, fd: segmentFd });
  const head = mapShared(fd, headerBytes);
  const { bytes } = layoutOf(readGeometry(head.buffer));
  head.unmap();
  const { buffer } = mapShared(fd, bytes);
  closeSync(fd);
  return openSegment(buffer);
}

type Started = Extract<KeeperMessage, { event: 'started' }>;

/**
 * Starts an engine: its keeper, which starts all else. The engine lives as long as this program,
 * or until `stop`; should this program die, the engine fades out and ends.
 *
 * @throws TenutoError `TENUTO_ENGINE_EXISTS`, `TENUTO_DEVICE_UNKNOWN`, `TENUTO_SETTINGS_INVALID`,
 *   `TENUTO_SYSTEM`
 */
export async function startEngine(options: StartOptions): Promise<RunningEngine> {
  const order = orderOf(options);
  const child = spawnKeeper(order, options);
  const launched = new Launched(order.name, child);
  const started = await launched.started;
  launched.map(mapSegment(started.pid, started.segmentFd), started);
  return launched;
}

class Launched implements RunningEngine {
  readonly started: Promise<Started>;
  readonly playing: Promise<void>;
  readonly ended: Promise<EngineEnd>;
  private segment: Segment | null = null;
  private streamFds: number[] = [];
  private readonly streams = new Map<number, StreamWriter>();

  constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    let onStarted: (message: Started) => void;
    let onPlaying: () => void;
    let refuse: (error: Error) => void;
    let end: EngineEnd = { report: null };
    this.started = new Promise((resolve, reject) => {
      onStarted = resolve;
      refuse = reject;
    });
    this.playing = new Promise((resolve) => {
      onPlaying = resolve;
    });
    const lines = createInterface({ input: child.stdout! });
    lines.on('line', (line) => {
      if (!line.startsWith('{')) {
        process.stdout.write(`${line}\n`);
        return;
      }
      const message = JSON.parse(line) as KeeperMessage;
      if (message.event === 'started') onStarted(message);
      else if (message.event === 'playing') onPlaying();
      else if (message.event === 'refused') refuse(new TenutoError(message.code, message.message));
      else end = { report: message.report };
    });
    child.stdin!.on('error', () => {});
    this.ended = new Promise((resolve) => {
      child.once('close', () => {
        refuse(new TenutoError('TENUTO_ENGINE_FAILED', 'the keeper ended before it was up'));
        resolve(end);
      });
    });
    child.once('error', (cause) => {
      refuse(new TenutoError('TENUTO_SYSTEM', 'the keeper could not be started', { cause }));
    });
  }

  get keeperPid(): number {
    return this.child.pid!;
  }

  map(segment: Segment, started: Started): void {
    this.segment = segment;
    this.streamFds = started.streamFds;
  }

  /** The engine's memory, for reading. */
  get memory(): Segment {
    return this.segment!;
  }

  status(): Status {
    return readStatus(this.segment!, this.name);
  }

  stop(): Promise<EngineEnd> {
    this.child.stdin!.end();
    return this.ended;
  }

  forceStop(): void {
    this.child.kill('SIGTERM');
  }

  stream(index: number): StreamWriter {
    let writer = this.streams.get(index);
    if (!writer) {
      const fd = this.streamFds[index];
      if (fd === undefined) throw new RangeError(`the engine has no stream ${index}`);
      writer = openStreamWriter(this.segment!, { pid: this.keeperPid, fd, index });
      this.streams.set(index, writer);
    }
    return writer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
