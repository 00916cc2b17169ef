import type { Segment } from './segment.js';

/**
 * The counters that every process shares: name, and what one more of it means. Their order is
 * their place in memory. `Atomics.add` keeps them right whoever counts.
 */
export const counterTable = {
  quanta: 'quanta of content given to the device',
  concealed: 'quanta of filler given to the device while the content waited',
  underruns: 'times the content was not there when the device was due',
  xruns: 'times the device ran dry because the driver came late',
  failovers: 'times the driver had to read another replica than the primary',
  tornQuanta: 'quanta refused because their checksum did not fit',
  divergences: 'ticks for which two replicas rendered different samples',
  takeovers: 'changes of the driver generation after the first',
  fenced: 'drivers that found another generation in charge, and gave nothing more',
  voided: 'journal records voided because they killed two replicas in a row',
  commands: 'commands sealed',
  restartsReplica: 'replicas started again',
  restartsDriver: 'drivers started again',
  restartsControl: 'control processes started again',
  restartsService: 'services started again',
  hungReplica: 'replicas ended because they stood still',
  hungDriver: 'drivers ended because they stood still',
  hungOther: 'control processes and services ended because they stood still',
  joins: 'replicas that joined from a snapshot',
  freshStarts: 'replicas that rendered from the first tick',
  abandoned: 'processes that could not be killed and were left behind',
  deviceOpens: 'times a device was opened',
  deviceFailures: 'times a device could not be opened or failed',
  recorderLostFrames: 'frames the recorder came too late for',
  streamOpenFailures: 'times a device could not be opened',
  deviceQueryFailures: 'times the devices could not be asked for; the last valid one is kept',
  deviceLost: 'times the device that played was lost',
  deviceStalls: 'times a device took samples and did not play them',
  recreations: 'times the stream went on with another opening of a device',
  captureDropFrames: 'captured frames that the device lost before they were read',
  streamsOpened: 'client streams opened',
  streamsOrphaned: 'client streams ended because their client was gone',
  streamsRefused: 'client streams refused because none became free in time',
  streamBadSamples: 'samples of clients that were no numbers, played as silence',
  streamLoudSamples: 'samples of clients beyond full scale, held there',
  commandsRefused: 'commands that were answered with a reason why not',
  httpRequests: 'requests to the HTTP interface',
  httpRefused: 'requests and upgrades refused: no right to them, too many, or not understood',
  readersOpened: 'readers of the WebSocket',
  readersDropped: 'readers of the WebSocket dropped because they did not keep up',
  programChanges: 'times another program began to play',
  programsFailed: 'programs that failed, before or after they were switched to',
  commandsLate: 'timed commands that came after their time, and took effect at once',
  oscMessages: 'OSC messages taken',
  packetsRefused: 'packets of OSC and of the remote that were none',
  kernelFaults: "lines of the kernel's log that tell of a fault (measure.kernelPatterns)",
  oscLost: 'OSC datagrams that came faster than they could be read',
} as const;

export type CounterName = keyof typeof counterTable;

const names = Object.keys(counterTable) as CounterName[];

/** Offset of each counter, in words from `layout.counters`. */
export const counterIndex = Object.fromEntries(names.map((name, index) => [name, index])) as Record<
  CounterName,
  number
>;

/** Adds to a counter. Allocation-free; may be called on the audio thread. */
export function count(segment: Segment, index: number, amount: number): void {
  Atomics.add(segment.words, segment.layout.counters + index, amount);
}

/** One counter, as an unsigned number that wraps at 2^32. Allocation-free. */
export function readCounter({ words, layout }: Segment, index: number): number {
  return Atomics.load(words, layout.counters + index) >>> 0;
}

/** All counters by name, as unsigned numbers that wrap at 2^32. */
export function readCounters(segment: Segment): Record<CounterName, number> {
  return Object.fromEntries(
    names.map((name, index) => [name, readCounter(segment, index)]),
  ) as Record<CounterName, number>;
}
