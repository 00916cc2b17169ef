import { count, counterIndex } from '../memory/counters.js';
import type { EventKind } from '../memory/events.js';
import { DeskOutcome, DeviceState, desk, programSlot, programSlots } from '../memory/layout.js';
import { ProgramState, programAt, programState } from '../memory/programs.js';
import type { Segment } from '../memory/segment.js';
import { readAlarms } from '../memory/tripwires.js';

/** What others have left in memory to be told: their events have one writer, the keeper. */
export class Bulletin {
  private deviceSinceUs = 0;
  private deviceSettled = 0;
  private lastAlarm = 0;
  /** By slot, the number of the program that failed there. */
  private readonly failedPrograms = new Map<number, number>();

  constructor(
    private readonly segment: Segment,
    private readonly event: (kind: EventKind, place: number, a: number, b: number) => void,
  ) {}

  /** Tells what is new since the last look. */
  poll(): void {
    this.watchDevice();
    this.watchPrograms();
    this.passAlarmsOn();
  }

  /** Programs that failed, each told once. */
  private watchPrograms(): void {
    for (let slot = 0; slot < programSlots; slot++) {
      const at = programAt(this.segment, slot);
      const number = this.segment.words[at + programSlot.number]!;
      const state = programState(this.segment, at);
      if (state !== ProgramState.failed && state !== ProgramState.withdrawn) continue;
      if (this.failedPrograms.get(slot) === number) continue;
      this.failedPrograms.set(slot, number);
      count(this.segment, counterIndex.programsFailed, 1);
      this.event('program-failed', 0, number, this.segment.words[at + programSlot.failure]!);
    }
  }

  /** What became of the device. */
  private watchDevice(): void {
    const { words, layout } = this.segment;
    const at = layout.desk;
    const since = words[at + desk.sinceUs]!;
    if (since !== this.deviceSinceUs) {
      this.deviceSinceUs = since;
      const state = Atomics.load(words, at + desk.state);
      const kind = state === DeviceState.playing ? 'device-playing' : 'device-lost';
      this.event(kind, words[at + desk.generation]!, words[at + desk.lostReason]!, 0);
    }
    const settled = Atomics.load(words, at + desk.settled);
    if (settled === this.deviceSettled) return;
    this.deviceSettled = settled;
    if (words[at + desk.outcome] === DeskOutcome.failed) {
      this.event('device-refused', 0, words[at + desk.outcomeError]!, 0);
    }
  }

  /** What control found. */
  private passAlarmsOn(): void {
    for (const { sequence, wire, value, threshold } of readAlarms(this.segment, this.lastAlarm)) {
      this.lastAlarm = sequence;
      this.event('tripwire', wire, value, threshold);
    }
  }
}
