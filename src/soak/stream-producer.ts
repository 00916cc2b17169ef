import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { connectEngine, type EngineConnection, type SampleFormat } from '../client/index.js';
import type { ClientStream } from '../client/stream.js';
import { TenutoError } from '../errors.js';
import { dieWithParent, ignoreTerminalSignals, monotonicNs } from '../os/index.js';
import { choose, type Random, seededRandom } from './random.js';
import type { StreamMark } from './stream-proof.js';
import { signalFrames } from './stream-signal.js';

/** What one process of a storm is to do. */
export interface ProducerOrder {
  engine: string;
  parentPid: number;
  rate: number;
  channels: number;
  /** Producers in this process, each with one stream after the other. */
  producers: number;
  seconds: number;
  seed: number;
  /** The first of the numbers that only this process gives to its signals. */
  firstSignal: number;
}

/** What it tells, one JSON object a line. */
export type ProducerMessage =
  | { tells: 'mark'; mark: StreamMark }
  | { tells: 'opened'; waitedMs: number }
  | {
      tells: 'closed';
      signal: number;
      how: 'closed' | 'aborted';
      written: number;
      played: number;
      flushed: number;
    }
  | { tells: 'failed'; code: string; message: string }
  | { tells: 'done' };

const formats: readonly SampleFormat[] = ['s16', 's24', 's32', 'f32'];
const sessionFramesMax = 48_000;
const partFramesMax = 6000;
const waitMs = 60_000;
const attempts = 20;

function tell(message: ProducerMessage): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

/** Opens, writes and closes one stream after the other until the time is over. */
class Producer {
  private signal = 0;
  private frame = 0;

  constructor(
    private readonly order: ProducerOrder,
    private readonly engine: EngineConnection,
    private readonly random: Random,
    private readonly nextSignal: () => number,
  ) {}

  async run(): Promise<void> {
    const endNs = monotonicNs() + this.order.seconds * 1e9;
    while (monotonicNs() < endNs) {
      try {
        await this.playOne(endNs);
      } catch (error) {
        if (!(error instanceof TenutoError)) throw error;
        tell({ tells: 'failed', code: error.code, message: error.message });
        await delay(100);
      }
    }
  }

  private async playOne(endNs: number): Promise<void> {
    const { random, order } = this;
    const { rate, channels } = order;
    const format = choose(formats, random)!;
    const startNs = monotonicNs();
    const bufferMs = 50 + random() * 300;
    const opened = await this.engine.openStream({ rate, channels, format, bufferMs, waitMs });
    tell({ tells: 'opened', waitedMs: (monotonicNs() - startNs) / 1e6 });
    const stream = opened as ClientStream;
    this.signal = this.nextSignal();
    this.frame = 0;
    this.mark(stream);
    let left = 1 + Math.floor(random() * sessionFramesMax);
    while (left > 0 && monotonicNs() < endNs) {
      const frames = Math.min(left, 1 + Math.floor(random() * partFramesMax));
      left -= frames;
      await this.writePart(stream, format, frames);
      if (random() < 0.05) await delay(random() * 100);
    }
    const aborts = random() < 0.1;
    await (aborts ? stream.abort() : stream.close());
    const { written, played, flushed } = stream;
    const how = aborts ? 'aborted' : 'closed';
    tell({ tells: 'closed', signal: this.signal, how, written, played, flushed });
  }

  /** Mostly waits for room; sometimes takes back what is not played, in the middle of it. */
  private async writePart(stream: ClientStream, format: SampleFormat, frames: number) {
    const { signal: seed, frame } = this;
    const { channels } = this.order;
    this.frame += frames;
    const writing = stream.write(signalFrames({ seed, frame, channels, format }, frames));
    if (this.random() < 0.04) {
      await delay(this.random() * 30);
      await stream.flush();
      this.mark(stream);
    }
    await writing;
  }

  /** From the stream's next position on, it holds what comes now. Told before it is written. */
  private mark(stream: ClientStream): void {
    const { signal: seed, frame } = this;
    const { stream: number, position } = stream;
    const mark = { stream: number, position, seed, frame, timeNs: monotonicNs() };
    tell({ tells: 'mark', mark });
  }
}

/** Control may be starting, or starting again, on a machine that this storm keeps busy. */
async function connectPatiently(name: string): Promise<EngineConnection> {
  for (let left = attempts; ; left--) {
    try {
      return await connectEngine(name);
    } catch (error) {
      if (left === 0) throw error;
    }
    await delay(100);
  }
}

async function main(): Promise<void> {
  const order = JSON.parse(process.argv[2] ?? '') as ProducerOrder;
  dieWithParent(order.parentPid);
  ignoreTerminalSignals();
  const engine = await connectPatiently(order.engine);
  let signal = order.firstSignal;
  const producers = Array.from({ length: order.producers }, (_, index) => {
    const random = seededRandom(order.seed * 1000 + index);
    return new Producer(order, engine, random, () => signal++).run();
  });
  await Promise.all(producers);
  engine.close();
  tell({ tells: 'done' });
}

await main();
