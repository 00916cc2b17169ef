import { clock, DeviceState, DriverMark, desk } from '../memory/layout.js';
import type { Segment, Waiting } from '../memory/segment.js';

/** With less lead than this, a replica that began one tick later could be too late. */
const alternatingLeadQuanta = 4;

/** The word on which the replica of a slot waits until there is something to render. */
export function callWord(segment: Segment, slot: number): number {
  return segment.layout.clock + ((slot & 1) === 0 ? clock.evenCalls : clock.oddCalls);
}

/**
 * Tells the replicas that `tick` is sealed. To be woken costs a replica more than to render a
 * quantum of most patches, so where the lead leaves the time for it, those in even slots are woken
 * for even ticks and those in odd slots for odd ones: each then renders two ticks in a row, and for
 * any tick there is one that begins at once. What is rendered is the same. Allocation-free; for the
 * audio thread.
 *
 * @param all - wakes everybody whatever the tick
 */
export function callReplicas(segment: Segment, world: Waiting, tick: number, all: boolean): void {
  const everybody = all || segment.layout.lead < alternatingLeadQuanta;
  if (everybody || (tick & 1) === 0) call(segment, world, clock.evenCalls);
  if (everybody || (tick & 1) === 1) call(segment, world, clock.oddCalls);
}

/** Microseconds after which a replica misses the driver's calls; `leastUs` is the standby's patience. */
export function callPatienceUs({ layout }: Segment, leastUs: number): number {
  // An even and an odd call are two quanta apart.
  return Math.max(leastUs, Math.ceil((3e6 * layout.quantum) / layout.rateHz));
}

/**
 * A replica was not called in time: wakes the standby driver, to look after the one that drives. So
 * nobody has to look while all goes well. Allocation-free; for the audio thread.
 */
export function missCall({ words, layout }: Segment, world: Waiting): void {
  const mark = Atomics.load(words, layout.clock + clock.driverMark);
  // Otherwise nothing is sealed, so nobody is called.
  if (mark !== DriverMark.playing) return;
  if (Atomics.load(words, layout.desk + desk.state) === DeviceState.held) return;
  world.wake(layout.clock + clock.requestedGeneration);
}

function call({ words, layout }: Segment, world: Waiting, word: number): void {
  Atomics.add(words, layout.clock + word, 1);
  world.wake(layout.clock + word);
}
