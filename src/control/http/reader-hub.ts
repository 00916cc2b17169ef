import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { limits } from '../../limits.js';
import { count, counterIndex } from '../../memory/counters.js';
import type { Bus } from '../bus/bus.js';
import type { EngineView } from './engine-view.js';
import { Levels, MasterTap } from './master-tap.js';
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
const masterName = 'master';

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

  constructor(
    private readonly view: EngineView,
    private readonly bus: Bus,
  ) {
    this.server = new WebSocketServer({
      noServer: true,
      maxPayload: limits.readerMessageBytesMax,
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
    if (reader.taps.size >= limits.readerTapsMax) {
      reader.refuse('TENUTO_REQUEST_LIMIT', `a reader listens to ${limits.readerTapsMax} taps`);
    } else if (tap !== masterName) {
      reader.refuse('TENUTO_PATCH_UNKNOWN', `there is no tap "${tap}"`);
    } else {
      reader.taps.add(tap);
      const { rateHz, channels } = this.view.segment.layout;
      reader.send(JSON.stringify({ type: 'tap', tap, number: 0, rate: rateHz, lanes: channels }));
    }
  }

  /** Runs those timers that somebody waits for. */
  private wind(): void {
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
    if (++this.draws % drawsPerLevels !== 0) return;
    const levels = this.levels.take();
    if (levels !== null) this.sendTo('meters', JSON.stringify({ type: 'meters', ...levels }));
  }

  private stateText(): string {
    const { view } = this;
    return JSON.stringify({
      type: 'state',
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
