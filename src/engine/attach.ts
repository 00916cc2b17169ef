import { closeSync, readFileSync } from 'node:fs';
import type { PatchInfo } from '../dsp/compiler.js';
import type { AssetView, Sources } from '../dsp/node.js';
import { clock, type Layout, layoutOf } from '../memory/layout.js';
import type { ProgramContent } from '../memory/programs.js';
import { headerBytes, openSegment, readGeometry, type Segment } from '../memory/segment.js';
import { openStreamSegment, type StreamSegment, streamBytes } from '../memory/stream.js';
import {
  dieWithParent,
  everyWaiter,
  futexWait,
  futexWake,
  ignoreTerminalSignals,
  lockRegion,
  type Mapping,
  mapShared,
  openSharedMemory,
  setProcessName,
} from '../os/index.js';
import type { ChildOrder } from './orders.js';

/** A process's hold on the engine's memory. */
export interface Attachment {
  order: ChildOrder;
  segment: Segment;
  streams: StreamSegment[];
  /** Wakes all who wait for the word; only the words of the clock can be waited for. */
  wake(word: number): void;
  /** Waits until the word leaves `value`, or the time is over; false when it is over. */
  wait(word: number, value: number, timeoutNs: number): boolean;
}

/** Waits for the order. A keeper that goes before it has one for this process takes it along. */
function awaitOrder(): ChildOrder {
  const text = readFileSync(0, 'utf8');
  if (text === '') process.exit(0);
  return JSON.parse(text) as ChildOrder;
}

/** Maps memory of the keeper, by its descriptor there. */
export function mapOf(at: { pid: number; fd: number; writable?: boolean }, bytes: number): Mapping {
  const writable = at.writable ?? false;
  const fd = openSharedMemory({ ...at, writable });
  const mapping = mapShared(fd, bytes, { writable });
  closeSync(fd);
  return mapping;
}

function mapSegment({ keeperPid, memory }: ChildOrder): { segment: Segment; address: number } {
  const at = { pid: keeperPid, fd: memory.segment, writable: true };
  const head = mapOf(at, headerBytes);
  const geometry = readGeometry(head.buffer);
  head.unmap();
  const mapping = mapOf(at, layoutOf(geometry).bytes);
  return { segment: openSegment(mapping.buffer), address: mapping.address };
}

function mapStreams(
  { keeperPid: pid, memory }: ChildOrder,
  layout: Layout,
  writable: boolean,
): StreamSegment[] {
  return memory.streams.map((fd) => {
    const mapping = mapOf({ pid, fd, writable }, streamBytes(layout));
    return openStreamSegment(mapping.buffer, layout);
  });
}

/** Where a process of this user reaches what a renderer of the engine's patch needs. */
export interface EngineParts {
  keeperPid: number;
  /** Descriptors of the keeper. */
  streamFds: readonly number[];
}

export function partsOf({ keeperPid, memory }: ChildOrder): EngineParts {
  return { keeperPid, streamFds: memory.streams };
}

/** What people know of a program: its text, and what its nodes are called. */
export function readPatchInfo({ info }: Pick<ProgramContent, 'info'>): PatchInfo {
  return JSON.parse(Buffer.from(info).toString()) as PatchInfo;
}

/** The streams as nodes see them. */
export function streamViews(streams: readonly StreamSegment[]): Sources['streams'] {
  return streams.map(({ samples, channels, frames }) => ({ samples, channels, frames }));
}

/** @param onMapped - is given the mapping, by who lets go of it before the process ends */
export function mapAsset(
  keeperPid: number,
  { fd, channels, frames, rate }: { fd: number; channels: number; frames: number; rate: number },
  onMapped: (mapping: Mapping) => void = () => {},
): AssetView {
  const mapping = mapOf({ pid: keeperPid, fd }, frames * channels * 4);
  onMapped(mapping);
  return {
    samples: new Float32Array(mapping.buffer, 0, frames * channels),
    channels,
    frames,
    rate,
  };
}

/**
 * The first thing that every child of the keeper does: it waits for its order, ties its life to the
 * keeper's, names itself for `ps`, and maps the memory that the keeper holds.
 */
export function attach(
  role: string,
  options: { locked: boolean; writesStreams?: boolean },
): Attachment {
  const order = awaitOrder();
  dieWithParent(order.keeperPid);
  ignoreTerminalSignals();
  setProcessName(`tenuto ${order.engine} ${role}`.slice(0, 60));
  const { segment, address } = mapSegment(order);
  const { layout } = segment;
  const streams = mapStreams(order, layout, options.writesStreams ?? false);
  if (options.locked) {
    lockRegion(address, layout.journal * 4);
    lockRegion(address + layout.rings * 4, (layout.output - layout.rings) * 4);
  }
  // One constant per word, since an address that is computed at each call would be allocated.
  const evenWord = layout.clock + clock.evenCalls;
  const oddWord = layout.clock + clock.oddCalls;
  const callWord = layout.clock + clock.requestedGeneration;
  const assignmentsWord = layout.clock + clock.assignments;
  const directiveWord = layout.clock + clock.directive;
  const evenAddress = address + evenWord * 4;
  const oddAddress = address + oddWord * 4;
  const callAddress = address + callWord * 4;
  const assignmentsAddress = address + assignmentsWord * 4;
  const directiveAddress = address + directiveWord * 4;
  return {
    order,
    segment,
    streams,
    wake(word) {
      if (word === evenWord) futexWake(evenAddress, everyWaiter);
      else if (word === oddWord) futexWake(oddAddress, everyWaiter);
      else if (word === callWord) futexWake(callAddress, everyWaiter);
      else if (word === assignmentsWord) futexWake(assignmentsAddress, everyWaiter);
      else futexWake(directiveAddress, everyWaiter);
    },
    wait(word, value, timeoutNs) {
      if (word === evenWord) return futexWait(evenAddress, value, timeoutNs) === 0;
      if (word === oddWord) return futexWait(oddAddress, value, timeoutNs) === 0;
      if (word === callWord) return futexWait(callAddress, value, timeoutNs) === 0;
      if (word === assignmentsWord) return futexWait(assignmentsAddress, value, timeoutNs) === 0;
      return futexWait(directiveAddress, value, timeoutNs) === 0;
    },
  };
}
