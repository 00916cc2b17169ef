import { clock, nobodyListened, OutputKind } from '../memory/layout.js';
import { committedPosition, OutputReader, Reading } from '../memory/output-ring.js';
import type { Segment } from '../memory/segment.js';
import { ticksBetween } from '../memory/ticks.js';
import { monotonicNs } from '../os/index.js';

/** What is known of one turn of the device, beside its samples. */
export interface RowMark {
  /** Engine frames from the reader's beginning to the first one of this turn. */
  readonly from: number;
  readonly position: number;
  readonly tick: number;
  readonly generation: number;
  readonly timeMs: number;
  readonly concealed: boolean;
  readonly away: boolean;
  deviceDropFrames: number;
  readonly loopFrames: number;
}

/** Follows what is captured, turn by turn; one reader's own place in the output ring. */
export class CaptureRows {
  private readonly reader: OutputReader;
  private readonly quantum: number;
  private lastPosition: number;
  private from = 0;
  /** What the device had lost in all; null while it is not known. */
  private deviceDrops: number | null = null;

  /** @param position the turn to begin with. */
  constructor(
    private readonly segment: Segment,
    position: number,
  ) {
    this.reader = new OutputReader(segment, position);
    this.lastPosition = position;
    this.quantum = segment.layout.quantum;
  }

  /** Turns that wait to be read. */
  get waiting(): number {
    const { reader, segment } = this;
    return Math.max(0, ticksBetween(committedPosition(segment, reader.position), reader.position));
  }

  /** Engine frames from the beginning to the turn that is read next. */
  get nextFrom(): number {
    return this.from + ticksBetween(this.reader.position, this.lastPosition) * this.quantum;
  }

  /** The samples of the turn that was read last. */
  get captured(): Float32Array {
    return this.reader.captured;
  }

  /** Leaves turns out. */
  skip(turns: number): void {
    this.reader.position = (this.reader.position + turns) | 0;
    this.deviceDrops = null;
  }

  /** The next turn, whose samples are in `captured`; null when there is none. */
  read(): RowMark | null {
    const { reader, segment } = this;
    for (;;) {
      const reading = reader.read();
      if (reading === Reading.empty) return null;
      if (reading === Reading.quantum) break;
      this.deviceDrops = null;
    }
    const position = (reader.position - 1) | 0;
    this.from += ticksBetween(position, this.lastPosition) * this.quantum;
    this.lastPosition = position;
    const drops = reader.captureDropFrames;
    const away = drops === nobodyListened;
    const before = this.deviceDrops;
    this.deviceDrops = away ? null : drops;
    return {
      from: this.from,
      position,
      tick: reader.tick,
      generation: reader.generation,
      timeMs: rowTimeMs(segment, position),
      concealed: reader.kind === OutputKind.concealed,
      away,
      loopFrames: reader.loopFrames,
      // A device that was just opened counts from 0 again.
      deviceDropFrames: away || before === null || drops < before ? 0 : drops - before,
    };
  }
}

/** About when a turn was over: by the last one that was, and the pace of the engine. */
function rowTimeMs(segment: Segment, position: number): number {
  const { words, layout } = segment;
  const committed = committedPosition(segment, position);
  const commitUs = words[layout.clock + clock.commitUs]!;
  const nowNs = monotonicNs();
  const sinceUs = (Math.floor(nowNs / 1000) - commitUs) | 0;
  const turns = ticksBetween(committed, position) - 1;
  return nowNs / 1e6 - sinceUs / 1000 - (turns * layout.quantum * 1000) / layout.rateHz;
}
