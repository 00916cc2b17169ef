import type { StreamDesk } from '../../src/control/stream-desk.js';
import {
  readStreamPlace,
  rewindStream,
  type StreamSegment,
  streamHeader,
  streamKeptTicks,
  streamNoticeTicks,
  streamSpace,
  writeStream,
} from '../../src/memory/stream.js';
import { ticksBetween } from '../../src/memory/ticks.js';
import type { Party, PartyWorld, Wish } from './parties.js';

const go: Wish = { kind: 'go' };

/** What clients and the desk see of the simulated world, on top of the rest. */
export interface StreamWorld extends PartyWorld {
  /** What is said to the desk; lost when the control process that should hear it dies. */
  readonly mail: ((desk: StreamDesk) => void)[];
  /** A number that no frame had before. */
  nextFrame(): number;
  wrote(stream: number, values: Float32Array): void;
  /** Whether this process has the address of the door, which it gets when nobody else has it. */
  hasAddress(pid: number): boolean;
  isThere(pid: number): boolean;
  /** A process holds a stream from now on, or no more. */
  holds(pid: number, stream: number): void;
  releases(stream: number): void;
}

/**
 * A program that opens streams, writes, takes back what it wrote, closes or aborts, at random, and
 * may be killed between any two steps.
 */
export class ClientParty implements Party {
  private phase: () => Wish = this.ask;
  private stream = -1;
  private token = 0;
  private answered = -1;
  private noticeTick = 0;
  private part = new Float32Array(0);
  /** 1, but for a client that is broken on purpose. */
  private readonly keptPart = 1;
  private readonly takeBackChance = 0.05;
  private readonly leaveChance = 0.03;

  constructor(
    private readonly world: StreamWorld,
    private readonly pid: number,
  ) {}

  step(): Wish {
    return this.phase();
  }

  private get ring(): StreamSegment {
    return this.world.streams[this.stream]!;
  }

  private ask(): Wish {
    this.token++;
    this.answered = -1;
    this.phase = this.await;
    return go;
  }

  /** Asks again and again in the same words: an answer may have been lost. */
  private await(): Wish {
    const { world, pid, token } = this;
    if (this.answered >= 0) {
      this.stream = this.answered;
      world.holds(pid, this.stream);
      this.phase = this.choose;
      return go;
    }
    world.mail.push((desk) =>
      desk.open({
        owner: { pid, startTicks: 1, token },
        name: '',
        stream: undefined,
        waitMs: world.random.below(100),
        answer: (stream) => {
          if (stream !== null && token === this.token) this.answered = stream;
        },
      }),
    );
    return this.rest(30_000);
  }

  private choose(): Wish {
    const { random } = this.world;
    if (random.chance(this.leaveChance)) return this.giveBack(random.chance(1 / 3));
    if (random.chance(this.takeBackChance)) return this.takeBack();
    const place = readStreamPlace(this.world.segment, this.stream);
    const { layout } = this.world.segment;
    const kept = streamKeptTicks(layout) * layout.quantum * this.keptPart;
    const space = place === null ? 0 : streamSpace(this.ring, place.cursor, kept);
    // Mostly small parts; sometimes all there is room for, right up to what is kept.
    const most = random.chance(0.05) ? space : Math.min(space, 100);
    const count = random.below(most + 1);
    if (count === 0) return this.rest(10_000);
    this.part = Float32Array.from({ length: count }, () => this.world.nextFrame());
    this.phase = this.copy;
    return go;
  }

  /** The frames are in the ring, but do not count yet. */
  private copy(): Wish {
    const { words, samples, frames } = this.ring;
    const from = words[streamHeader.written]!;
    for (let i = 0; i < this.part.length; i++) {
      samples[(from + i) & (frames - 1)] = this.part[i]!;
    }
    this.phase = this.publish;
    return go;
  }

  private publish(): Wish {
    writeStream(this.ring, this.part);
    this.world.wrote(this.stream, this.part);
    this.phase = this.choose;
    return this.rest(30_000);
  }

  private takeBack(): Wish {
    Atomics.store(this.ring.words, streamHeader.hold, 1);
    this.noticeTick = this.tick();
    this.phase = this.awaitNotice;
    return go;
  }

  private awaitNotice(): Wish {
    const place = readStreamPlace(this.world.segment, this.stream);
    const noticed =
      place !== null && ticksBetween(place.tick, this.noticeTick) >= streamNoticeTicks;
    if (!noticed) return this.rest(2000);
    rewindStream(this.ring, place.cursor);
    this.phase = this.choose;
    return go;
  }

  private giveBack(discard: boolean): Wish {
    const { world, pid, token, stream } = this;
    world.releases(stream);
    this.stream = -1;
    const tell = () =>
      world.mail.push((desk) => {
        desk.close({ pid, startTicks: 1, token }, discard);
      });
    tell();
    this.phase = () => {
      // Said twice, for the first time may not have been heard.
      tell();
      this.phase = this.ask;
      return this.rest(20_000);
    };
    return this.rest(40_000);
  }

  private tick(): number {
    return readStreamPlace(this.world.segment, this.stream)?.tick ?? 0;
  }

  private rest(mostUs: number): Wish {
    const untilUs = this.world.nowUs() + this.world.random.between(0, mostUs);
    return { kind: 'wait', untilUs, word: -1, value: 0 };
  }
}
