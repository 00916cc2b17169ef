import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { TenutoError } from '../../errors.js';
import { limits } from '../../limits.js';
import { count, counterIndex } from '../../memory/counters.js';
import type { Bus } from '../bus/bus.js';
import type { EngineView } from './engine-view.js';
import { Levels, MasterTap } from './master-tap.js';
import type { PatchTaps } from './patch-taps.js';
import { Reader } from './reader.js';
import { encodeTap, type ReaderMessage, type Topic } from './reader-messages.js';

/** How often each is sent. Taps and levels go as often as a screen draws. */
const drawMs = 16;
const drawsPerLevels = 2;
const eventsMs = 100;
const stateMs = 250;
const probeMs = 10_000;

/** The subprotocol's name, for those who ask for one. */
const protocol = 'tenuto';
/** What the device was given; no node can be called so. */
const masterName = '@played';

/**
 * Everybody who listens on the WebSocket. What several want is read and written once; with nobody
 * there, no timer runs.
 */
export class ReaderHub {
  private readonly server: WebSocketServer;
  private readonly readers = new Set<Reader>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly levels = new Levels();
  private master: MasterTap | null = null;
  private draws = 0;
  private unfollow: (() => void) | null = null;
  private patchTaps: PatchTaps | null = null;
  private opening: Promise<PatchTaps> | null = null;
  /** By which number readers know each point of the patch; 0 is the master. */
  private readonly numbers = new Map<string, number>();
  private lastNumber = 0;

  constructor(
    private readonly view: EngineView,
    private readonly bus: Bus,
    private readonly openPatchTaps: () => Promise<PatchTaps>,
    /** Tells one patch from another. */
    private readonly patchHash: () => string,
  ) {
    this.server = new WebSocketServer({
      noServer: true,
      // Beyond what may be said, so that most of what is too long is answered, not cut off.
      maxPayload: 2 * limits.requestBytesMax,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
    });
  }

  /** Readers now. */
  get size(): number {
    return this.readers.size;
  }

  /** Takes in a reader whose right to it has been judged. */
  welcome(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      const reader = new Reader(webSocket, {
        heard: (who, message) => this.heard(who, message),
        dropped: () => count(this.view.segment, counterIndex.readersDropped, 1),
        left: (who) => {
          this.readers.delete(who);
          this.wind();
        },
      });
      count(this.view.segment, counterIndex.readersOpened, 1);
      this.readers.add(reader);
      this.wind();
      const { name, isDemo } = this.view;
      reader.send(JSON.stringify({ type: 'hello', v: 1, engine: name, demo: isDemo }));
    });
  }

  /** Idempotent: says goodbye to all. */
  close(): void {
    for (const reader of this.readers) reader.close();
    for (const timer of this.timers.values()) clearInterval(timer);
    this.timers.clear();
    this.patchTaps?.close();
    this.server.close();
  }

  private heard(reader: Reader, message: ReaderMessage): void {
    switch (message.type) {
      case 'subscribe':
        for (const topic of message.topics ?? []) reader.topics.add(topic);
        for (const tap of message.taps ?? []) this.listen(reader, tap);
        if (message.since !== undefined) reader.since = message.since;
        if (message.topics?.includes('state')) reader.send(this.stateText());
        if (message.topics?.includes('events')) this.tellEvents(reader);
        if (message.topics?.includes('values')) {
          reader.send(JSON.stringify({ type: 'parameters', ...this.bus.get() }));
        }
        break;
      case 'command':
        void this.bus.submit(message.command, 'websocket').then((ack) => {
          reader.send(JSON.stringify({ type: 'ack', ...ack }));
        });
        break;
      case 'unsubscribe':
        for (const topic of message.topics ?? []) reader.topics.delete(topic);
        for (const tap of message.taps ?? []) reader.taps.delete(tap);
        break;
    }
    this.wind();
  }

  private listen(reader: Reader, tap: string): void {
    if (reader.taps.has(tap)) return;
    const { tapsMax, readerTapsMax } = limits;
    const isNew = tap !== masterName && !this.numbers.has(tap);
    if (reader.taps.size >= readerTapsMax || (isNew && this.numbers.size >= tapsMax)) {
      const text = `a reader listens to ${readerTapsMax} taps, all together to ${tapsMax}`;
      reader.refuse('TENUTO_REQUEST_LIMIT', text);
      return;
    }
    reader.taps.add(tap);
    if (isNew) this.numbers.set(tap, ++this.lastNumber);
    void this.announce(reader, tap);
  }

  /** Tells a reader of its tap once it is there, or why it is not. */
  private async announce(reader: Reader, tap: string): Promise<void> {
    const { rateHz: rate, channels } = this.view.segment.layout;
    try {
      const lanes = tap === masterName ? channels : (await this.shared()).listen(tap);
      const number = this.numbers.get(tap) ?? 0;
      reader.send(JSON.stringify({ type: 'tap', tap, number, rate, lanes }));
      // It may have left while the patch was loaded.
      if (!reader.taps.has(tap)) this.wind();
    } catch (error) {
      if (!(error instanceof TenutoError)) throw error;
      reader.taps.delete(tap);
      reader.refuse(error.code, error.message);
      this.wind();
    }
  }

  /** One rendering for all points and all readers. */
  private async shared(): Promise<PatchTaps> {
    if (this.patchTaps !== null) return this.patchTaps;
    this.opening ??= this.openPatchTaps();
    try {
      this.patchTaps = await this.opening;
      return this.patchTaps;
    } finally {
      this.opening = null;
    }
  }

  /** Lets go of the points of the patch that nobody listens to any more. */
  private leavePatch(): void {
    for (const tap of this.numbers.keys()) {
      if ([...this.readers].some((reader) => reader.taps.has(tap))) continue;
      this.numbers.delete(tap);
      this.patchTaps?.leave(tap);
    }
    if (this.numbers.size > 0 || this.patchTaps === null) return;
    this.patchTaps.close();
    this.patchTaps = null;
  }

  /** Runs those timers that somebody waits for. */
  private wind(): void {
    this.leavePatch();
    const wants = (topic: Topic) => [...this.readers].some((one) => one.topics.has(topic));
    const listens = [...this.readers].some((one) => one.taps.size > 0);
    const isDrawing = wants('meters') || listens;
    if (isDrawing) this.master ??= new MasterTap(this.view.segment);
    else this.master = null;
    this.follow(wants('values'));
    this.run('draw', isDrawing, drawMs, () => this.draw());
    this.run('state', wants('state'), stateMs, () => this.sendTo('state', this.stateText()));
    this.run('events', wants('events'), eventsMs, () => {
      for (const reader of this.readers) {
        if (reader.topics.has('events')) this.tellEvents(reader);
      }
    });
    this.run('probe', this.readers.size > 0, probeMs, () => {
      for (const reader of this.readers) reader.probe();
    });
  }

  /** Passes on what commands change, while somebody wants to know. */
  private follow(wanted: boolean): void {
    if (wanted === (this.unfollow !== null)) return;
    this.unfollow?.();
    this.unfollow = wanted
      ? this.bus.subscribe((change) => {
          this.sendTo('values', JSON.stringify({ type: 'values', ...change }));
        })
      : null;
  }

  private run(name: string, wanted: boolean, everyMs: number, act: () => void): void {
    const timer = this.timers.get(name);
    if (wanted && timer === undefined) this.timers.set(name, setInterval(act, everyMs));
    if (wanted || timer === undefined) return;
    clearInterval(timer);
    this.timers.delete(name);
  }

  private draw(): void {
    const stretch = this.master?.read() ?? null;
    if (stretch !== null) {
      this.levels.add(stretch);
      const bytes = encodeTap({ tap: 0, ...stretch }, stretch.samples);
      for (const reader of this.readers) {
        if (reader.taps.has(masterName)) reader.send(bytes);
      }
    }
    this.drawPatch();
    if (++this.draws % drawsPerLevels !== 0) return;
    const levels = this.levels.take();
    if (levels !== null) this.sendTo('meters', JSON.stringify({ type: 'meters', ...levels }));
  }

  private drawPatch(): void {
    if (this.patchTaps === null) return;
    let stretches: ReturnType<PatchTaps['read']>;
    try {
      stretches = this.patchTaps.read();
    } catch {
      // Whatever it is of a patch that cannot be rendered here, nobody hears of it again and again.
      for (const reader of this.readers) {
        for (const tap of this.numbers.keys()) reader.taps.delete(tap);
        reader.refuse('TENUTO_ENGINE_FAILED', 'the patch cannot be listened to any more');
      }
      this.wind();
      return;
    }
    for (const [address, stretch] of stretches) {
      const bytes = encodeTap({ tap: this.numbers.get(address) ?? 0, ...stretch }, stretch.samples);
      for (const reader of this.readers) {
        if (reader.taps.has(address)) reader.send(bytes);
      }
    }
  }

  private stateText(): string {
    const { view } = this;
    return JSON.stringify({
      type: 'state',
      patch: this.patchHash(),
      state: view.status(),
      processes: view.processes(),
      streams: view.streams().filter(({ state }) => state !== 'free'),
    });
  }

  private tellEvents(reader: Reader): void {
    const { segment } = this.view;
    const head = Atomics.load(segment.words, segment.layout.eventHead);
    if (head === reader.since) return;
    // A number that is not reached yet was another engine's.
    const since = reader.since > head ? 0 : reader.since;
    reader.since = head;
    const events = this.view.events(since).filter(({ sequence }) => sequence <= head);
    reader.send(JSON.stringify({ type: 'events', events }));
  }

  private sendTo(topic: Topic, text: string): void {
    for (const reader of this.readers) {
      if (reader.topics.has(topic)) reader.send(text);
    }
  }
}
