import type { ChildProcess } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { assert } from '../errors.js';
import { limits } from '../limits.js';
import { offerCommands } from '../memory/commands.js';
import { counterIndex } from '../memory/counters.js';
import { clock, header, layoutOf, ServiceKind, service } from '../memory/layout.js';
import { readProcesses, writeProcess, writeScheduling } from '../memory/process-table.js';
import {
  findProgram,
  firstProgram,
  offerProgram,
  ProgramState,
  programAssets,
  setProgramState,
} from '../memory/programs.js';
import { createSegment, type Segment } from '../memory/segment.js';
import { streamBytes } from '../memory/stream.js';
import { tickAfter } from '../memory/ticks.js';
import { writeTripwirePolicy } from '../memory/tripwires.js';
import {
  createSharedMemory,
  everyWaiter,
  fileBytes,
  futexWake,
  ignoreTerminalSignals,
  killNow,
  mapShared,
  monotonicNs,
  openSharedMemory,
  releasePages,
  requestRealtimeKit,
  sealSize,
  setProcessName,
  takeInstanceLock,
} from '../os/index.js';
import { KeeperCore, type KeeperWorld } from './keeper-core.js';
import {
  type ChangedOrder,
  type ChildOrder,
  type KeeperMessage,
  type LaunchOrder,
  launcherWish,
  type OrderPlace,
} from './orders.js';
import { PreparedPrograms, type ProgramName, startProgram } from './programs.js';
import type { Seat } from './seats.js';

/** Deaths are told by the kernel at once; this is for what stands still, and for the end. */
const pollMs = 100;
const hurriedPollMs = 4;
const requestEveryPolls = 4;

/** The order of whoever launched this keeper, and descriptors of what it needs. */
interface Received {
  order: LaunchOrder;
  program: number;
  patch: number;
  assets: number[];
}

/** Fetches what the launcher has laid ready; throws when the launcher is gone. */
function receive(place: OrderPlace): Received {
  const fetch = (fd: number) => openSharedMemory({ pid: process.ppid, fd });
  const fd = fetch(place.order);
  const bytes = fileBytes(fd);
  const mapping = mapShared(fd, bytes);
  const order = JSON.parse(Buffer.from(mapping.buffer, 0, bytes).toString()) as LaunchOrder;
  mapping.unmap();
  closeSync(fd);
  const { program, patch, assets } = place;
  return { order, program: fetch(program), patch: fetch(patch), assets: assets.map(fetch) };
}

/** One JSON object a line to whoever launched the engine; it may be gone. */
function tell(message: KeeperMessage): void {
  try {
    writeSync(1, `${JSON.stringify(message)}\n`);
  } catch {
    // Nobody listens any more; the lifeline tells the same.
  }
}

/** The content of a descriptor that is not needed afterwards. */
function takeBytes(fd: number): Uint8Array {
  const bytes = fileBytes(fd);
  const mapping = mapShared(fd, bytes);
  const content = new Uint8Array(mapping.buffer, 0, bytes).slice();
  mapping.unmap();
  closeSync(fd);
  return content;
}

/** The engine's memory, made by the keeper and inherited by all it starts. */
class Memory {
  readonly segment: Segment;
  readonly address: number;
  readonly fd: number;
  readonly streamFds: number[] = [];

  constructor({ order, program, patch, assets }: Received) {
    const { bytes } = layoutOf(order.geometry);
    this.fd = createSharedMemory({ name: `tenuto:${order.name}`, bytes });
    sealSize(this.fd);
    const mapping = mapShared(this.fd, bytes, { writable: true });
    this.address = mapping.address;
    this.segment = createSegment(mapping.buffer, order.geometry);
    const { words, layout } = this.segment;
    offerProgram(this.segment, {
      number: firstProgram,
      program: takeBytes(program),
      info: takeBytes(patch),
      hasOwnNodes: order.hasOwnNodes,
      assets: order.assets.map((asset, index) => ({ ...asset, pid: 0, fd: assets[index] ?? -1 })),
    });
    const at = findProgram(this.segment, firstProgram);
    for (const asset of programAssets(this.segment, at)) asset.own(asset.fd);
    setProgramState(this.segment, at, ProgramState.ready);
    words[header.keeperPid] = process.pid;
    writeTripwirePolicy(this.segment, order.tripwires);
    for (const [index, { kind }] of order.services.entries()) {
      words[layout.services + index * service.words + service.kind] = ServiceKind[kind];
    }
    offerCommands(this.segment, 0, 0, order.commands);
    if (order.stopFrames !== null) {
      const ticks = Math.ceil(order.stopFrames / layout.quantum);
      words[layout.clock + clock.stopTick] = tickAfter(layout.firstTick, ticks);
      words[layout.clock + clock.stopArmed] = 1;
    }
    for (let i = 0; i < limits.streamsMax; i++) {
      const size = streamBytes(layout);
      const fd = createSharedMemory({ name: `tenuto:${order.name}:stream${i}`, bytes: size });
      sealSize(fd);
      this.streamFds.push(fd);
    }
  }
}

/** Starts and ends real processes for the keeper's decisions. */
class ProcessWorld implements KeeperWorld {
  private readonly children = new Map<number, ChildProcess>();
  private readonly epochNs = monotonicNs();
  onEnd: (pid: number, code: number | null, signal: string | null) => void = () => {};

  constructor(
    private readonly order: LaunchOrder,
    private readonly memory: Memory,
    private readonly prepared: PreparedPrograms,
  ) {
    // They were started without.
    if (order.traceGc !== null) prepared.discard();
  }

  nowUs(): number {
    return monotonicNs() / 1000;
  }

  wake(word: number): void {
    futexWake(this.memory.address + word * 4, everyWaiter);
  }

  adopt(pid: number, fd: number): number {
    try {
      return openSharedMemory({ pid, fd });
    } catch {
      return -1;
    }
  }

  giveBack(fd: number): void {
    closeSync(fd);
  }

  spawn(seat: Seat): number {
    const { name, traceGc } = this.order;
    const program = this.programOf(seat);
    const child =
      this.prepared.take(program) ?? startProgram(program, { name, traceGc: traceGc !== null });
    const pid = child.pid ?? 0;
    if (pid === 0) return 0;
    child.stdin!.end(JSON.stringify(this.childOrder(seat)));
    this.children.set(pid, child);
    child.once('exit', (code, signal) => {
      this.children.delete(pid);
      this.onEnd(pid, code, signal);
    });
    return pid;
  }

  private programOf({ role, place }: Seat): ProgramName {
    if (role === 'service') return this.order.services[place]!.kind;
    assert(role !== 'keeper' && role !== 'none', 'the keeper starts all but itself');
    return role;
  }

  ask(seat: Seat): void {
    this.children.get(seat.pid)?.kill('SIGTERM');
  }

  kill(seat: Seat): void {
    killNow(seat.pid);
  }

  release(at: number, words: number): void {
    releasePages(this.memory.fd, at * 4, words * 4);
  }

  /** Lets the event loop end although a process could not be killed. */
  letGo(): void {
    for (const child of this.children.values()) child.unref();
  }

  private childOrder(seat: Seat): ChildOrder {
    const { order } = this;
    const { quantum, rateHz } = order.geometry;
    return {
      engine: order.name,
      keeperPid: process.pid,
      row: seat.row,
      place: seat.place,
      memory: {
        segment: this.memory.fd,
        streams: this.memory.streamFds,
      },
      realtime: order.realtime,
      realtimePriority: order.realtimePriority,
      driverPatienceUs: Math.round((order.driverQuanta * quantum * 1e6) / rateHz),
      patch: order.patch,
      device: order.device,
      epochNs: this.epochNs,
      faults: order.faults,
      service: seat.role === 'service' ? (order.services[seat.place] ?? null) : null,
      control: seat.role === 'control' ? order.control : null,
      log: order.log,
    };
  }
}

/** Asks RealtimeKit, once for each process, for those that could not become real-time themselves. */
class RealtimeRequests {
  private readonly asked = new Set<number>();
  private polls = 0;

  constructor(
    private readonly segment: Segment,
    private readonly order: LaunchOrder,
  ) {}

  poll(): void {
    if (!this.order.realtime || this.polls++ % requestEveryPolls !== 0) return;
    for (const [row, { pid, role, scheduling }] of readProcesses(this.segment).entries()) {
      const wanted = role === 'driver' || role === 'replica';
      const refused = wanted && (scheduling === 'nice' || scheduling === 'other');
      if (!refused || this.asked.has(pid)) continue;
      this.asked.add(pid);
      const priority = this.order.realtimePriority - (role === 'driver' ? 0 : 1);
      void requestRealtimeKit({ pid, tid: pid, priority }).then(({ granted }) => {
        if (granted) writeScheduling(this.segment, row, 'rtkit');
      });
    }
  }
}

/** Tells the launcher once that sound has begun, and at last what the shutdown did. */
function follow(
  core: KeeperCore,
  world: ProcessWorld,
  segment: Segment,
  order: LaunchOrder,
): () => void {
  const { words, layout } = segment;
  const requests = new RealtimeRequests(segment, order);
  let playing = false;
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    clearTimeout(timer);
    core.poll();
    requests.poll();
    if (!playing && Atomics.load(words, layout.counters + counterIndex.quanta) > 0) {
      playing = true;
      tell({ event: 'playing' });
    }
    if (core.report === null) {
      timer = setTimeout(look, playing && core.settled ? pollMs : hurriedPollMs);
      return;
    }
    tell({ event: 'ended', report: core.report });
    world.letGo();
    process.exit(0);
  };
  look();
  return look;
}

function listenToSignals(core: KeeperCore, look: () => void): void {
  const onSignal = () => {
    if (core.stopping) core.force();
    else core.stop('signal');
    look();
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) process.on(signal, onSignal);
  process.on('SIGHUP', () => {});
}

/** What the launcher can do to the engine. */
interface Engine {
  wish(line: string): void;
  launcherGone(): void;
}

function found(received: Received, prepared: PreparedPrograms): Engine {
  const { order } = received;
  setProcessName(`tenuto ${order.name} keeper`);
  const lock = takeInstanceLock(order.name);
  if (lock === null) {
    refuse('TENUTO_ENGINE_EXISTS', `an engine named "${order.name}" is running`);
  }
  const memory = new Memory(received);
  const world = new ProcessWorld(order, memory, prepared);
  const { segment } = memory;
  const core = new KeeperCore(segment, world, order.policy, {
    replicas: order.replicas,
    spares: order.spares,
    control: true,
    services: order.services.length,
  });
  world.onEnd = (pid, code, signal) => core.ended(pid, { code, signal });
  writeProcess(segment, 0, {
    pid: process.pid,
    role: 'keeper',
    place: 0,
    state: 'running',
    starts: 1,
    startedUs: world.nowUs(),
  });
  tell({ event: 'started', pid: process.pid, segmentFd: memory.fd });
  writeScheduling(segment, 0, 'other');
  const look = follow(core, world, segment, order);
  listenToSignals(core, look);
  return {
    wish(line) {
      if (line.startsWith(launcherWish.change)) {
        const changed = JSON.parse(line.slice(launcherWish.change.length)) as ChangedOrder;
        // All who go by it hold this one object.
        Object.assign(order.policy, changed.policy);
        writeTripwirePolicy(segment, changed.tripwires);
        return;
      }
      core.stop('requested');
      if (line === launcherWish.force.trim()) core.force();
      look();
    },
    launcherGone() {
      core.stop('lifeline');
      look();
    },
  };
}

function refuse(
  code: Extract<KeeperMessage, { event: 'refused' }>['code'],
  message: string,
): never {
  tell({ event: 'refused', code, message });
  process.exit(3);
}

function begin(line: string, prepared: PreparedPrograms): Engine {
  let received: Received;
  try {
    received = receive(JSON.parse(line) as OrderPlace);
  } catch (cause) {
    refuse('TENUTO_SYSTEM', `the keeper cannot reach its order: ${(cause as Error).message}`);
  }
  return found(received, prepared);
}

/**
 * Listens on the lifeline: first the order, then the launcher's wishes; its end means that the
 * launcher is gone. A keeper may be started long before there is an order, so that it and what the
 * first quantum needs are up then; if none comes, they leave without a trace.
 */
function main(): void {
  const prepared = new PreparedPrograms(['replica', 'driver']);
  process.on('exit', () => prepared.discard());
  ignoreTerminalSignals();
  let engine: Engine | null = null;
  let text = '';
  const gone = () => (engine === null ? process.exit(0) : engine.launcherGone());
  process.stdin.setEncoding('utf8').on('data', (more: string) => {
    text += more;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      if (engine === null) engine = begin(line, prepared);
      else engine.wish(line);
    }
  });
  process.stdin.on('end', gone).on('error', gone);
}

main();
