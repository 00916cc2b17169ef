import { limits } from '../limits.js';
import { clock, type Layout, layoutOf } from '../memory/layout.js';
import { headerBytes, openSegment, readGeometry, type Segment } from '../memory/segment.js';
import { openStreamSegment, type StreamSegment, streamBytes } from '../memory/stream.js';
import {
  dieWithParent,
  everyWaiter,
  futexWait,
  futexWake,
  ignoreTerminalSignals,
  lockRegion,
  mapShared,
  setProcessName,
} from '../os/index.js';
import { type ChildOrder, childFds } from './orders.js';

/** A process's hold on the engine's memory. */
export interface Attachment {
  order: ChildOrder;
  segment: Segment;
  streams: StreamSegment[];
  /** Wakes all who wait for the word; only the words of the clock can be waited for. */
  wake(word: number): void;
  /** Waits until the word leaves `value`, or the time is over. */
  wait(word: number, value: number, timeoutNs: number): void;
}

function mapSegment(): { segment: Segment; address: number } {
  const head = mapShared(childFds.segment, headerBytes);
  const geometry = readGeometry(head.buffer);
  head.unmap();
  const { bytes } = layoutOf(geometry);
  const mapping = mapShared(childFds.segment, bytes, { writable: true });
  return { segment: openSegment(mapping.buffer), address: mapping.address };
}

function mapStreams(layout: Layout, writable: boolean): StreamSegment[] {
  return Array.from({ length: limits.streamsMax }, (_, i) => {
    const mapping = mapShared(childFds.firstStream + i, streamBytes(layout), { writable });
    return openStreamSegment(mapping.buffer, layout);
  });
}

/**
 * The first thing that every child of the keeper does: it ties its life to the keeper's, names
 * itself for `ps`, and maps the memory by the descriptors that it inherited.
 */
export function attach(
  role: string,
  options: { locked: boolean; writesStreams?: boolean },
): Attachment {
  const order = JSON.parse(process.argv[2] ?? '') as ChildOrder;
  dieWithParent(order.keeperPid);
  ignoreTerminalSignals();
  setProcessName(`tenuto ${order.engine} ${role}`.slice(0, 60));
  const { segment, address } = mapSegment();
  const { layout } = segment;
  const streams = mapStreams(layout, options.writesStreams ?? false);
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
      if (word === evenWord) futexWait(evenAddress, value, timeoutNs);
      else if (word === oddWord) futexWait(oddAddress, value, timeoutNs);
      else if (word === callWord) futexWait(callAddress, value, timeoutNs);
      else if (word === assignmentsWord) futexWait(assignmentsAddress, value, timeoutNs);
      else futexWait(directiveAddress, value, timeoutNs);
    },
  };
}
