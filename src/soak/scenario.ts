import { setTimeout as delay } from 'node:timers/promises';
import { type RunningEngine, startEngine } from '../client/index.js';
import { TenutoError } from '../errors.js';
import { type CounterName, readCounters } from '../memory/counters.js';
import type { Settings } from '../settings/index.js';
import type { Ear } from './ear.js';
import {
  type Account,
  accountOf,
  findPassages,
  markUnheard,
  type Passage,
} from './heard-content.js';
import { knownSignal, renderFirstChannel } from './known-signal.js';
import type { PrivateServer } from './private-server.js';
import type { SoundControl } from './sound-control.js';

/** On what a scenario plays. `private`: a server of its own; `own`: the user's; `none`: no server. */
export const serverKinds = ['private', 'own', 'none'] as const;
export type ServerKind = (typeof serverKinds)[number];

/**
 * Frames that PipeWire plays at a time by default. With fewer, those who listen miss some on a
 * machine that is busy.
 */
const usualQuantum = 1024;

/** What every scenario is given. */
export interface ScenarioOptions {
  /** The device and its preferences are the scenario's own. */
  settings: Settings;
  server: ServerKind;
  /** How long it plays where nothing else says so, and how often it does what it does. */
  seconds: number;
  times: number;
  seed: number;
  /** Frames that a private server plays at a time. Default: as PipeWire does. */
  quantum?: number;
  signal?: AbortSignal;
  /** One line of what is going on. */
  onProgress?: (text: string) => void;
}

/** One thing that was expected, and what was found. */
export interface Check {
  what: string;
  expected: string;
  found: string;
  ok: boolean;
}

/** What a scenario found; `tenuto soak --scenario NAME --json` prints it. */
export interface ScenarioReport {
  v: 1;
  scenario: string;
  server: ServerKind;
  checks: Check[];
  /** Figures by name, with the unit last. */
  figures: Record<string, number | null>;
  counters: Partial<Record<CounterName, number>>;
  /** All checks hold. */
  ok: boolean;
}

/** A scenario: it throws where it cannot be done at all. */
export type Scenario = (options: ScenarioOptions) => Promise<ScenarioReport>;

/** A report of what was found; it is fine when every check is. */
export function reportOf(
  scenario: string,
  { server }: ScenarioOptions,
  found: Omit<ScenarioReport, 'v' | 'scenario' | 'server' | 'ok'>,
): ScenarioReport {
  return { v: 1, scenario, server, ...found, ok: found.checks.every(({ ok }) => ok) };
}

/** Checks that a number is what it should be. */
export function checkEqual(what: string, expected: number, found: number): Check {
  return { what, expected: String(expected), found: String(found), ok: expected === found };
}

/** Checks that a number is no more than it may be; null when there was nothing to measure. */
export function checkMost(what: string, most: number, found: number | null, unit = ''): Check {
  const text = found === null ? 'none' : `${found}${unit && ` ${unit}`}`;
  return {
    what,
    expected: `<= ${most}${unit && ` ${unit}`}`,
    found: text,
    ok: found !== null && found <= most,
  };
}

/** Ends what a scenario does when the user wants it to end. */
export class Interrupted extends Error {}

/** The scenario's server, opened; closed by `using`. */
export async function openServer(
  kind: ServerKind,
  quantum: number | null = usualQuantum,
): Promise<SoundControl> {
  if (kind === 'own') {
    const { OwnServer } = await import('./own-server.js');
    return OwnServer.open();
  }
  return openPrivate(quantum);
}

/** For scenarios that kill their server. */
export async function openPrivate(quantum: number | null = usualQuantum): Promise<PrivateServer> {
  const { PrivateServer } = await import('./private-server.js');
  return PrivateServer.open(quantum);
}

/** Every frame of content was heard once, in order. */
export function checkContent({ account }: Heard): Check[] {
  const { lostFrames, repeatedFrames, inOrder } = account;
  return [
    checkEqual('frames of content lost', 0, lostFrames),
    checkEqual('frames of content repeated', 0, repeatedFrames),
    { what: 'order of content', expected: 'kept', found: inOrder ? 'kept' : 'not', ok: inOrder },
  ];
}

/** What was heard of the known signal. */
export interface Heard {
  /** Passages of each ear, in the order of the ears. */
  passages: Passage[][];
  account: Account;
}

/** An engine that plays the known signal, under a name of its own. */
export class KnownPlay implements AsyncDisposable {
  private constructor(
    readonly settings: Settings,
    readonly engine: RunningEngine,
    private readonly options: ScenarioOptions,
  ) {}

  static async start(
    options: ScenarioOptions,
    device: Partial<Settings['device']>,
    more: { env?: NodeJS.ProcessEnv; recordPath?: string } = {},
  ): Promise<KnownPlay> {
    const { engine, restart } = options.settings;
    const name = engine.name === 'default' ? `soak-${process.pid}` : engine.name;
    const settings: Settings = {
      ...options.settings,
      engine: { ...engine, name },
      device: { ...options.settings.device, ...device },
      restart: { ...restart, perMinute: 10_000 },
    };
    const env = { ...process.env, ...more.env };
    const patch = knownSignal(settings);
    const running = await startEngine({ settings, patch, ...more, env });
    const play = new KnownPlay(settings, running, options);
    try {
      await Promise.race([running.playing, play.endedEarly(), play.interrupted()]);
      return play;
    } catch (error) {
      await play[Symbol.asyncDispose]();
      throw error;
    }
  }

  get counters(): Record<CounterName, number> {
    return readCounters(this.engine.memory);
  }

  /** Seconds of content that were given to the device so far. */
  get playedSec(): number {
    return this.engine.status().playedSec;
  }

  private async endedEarly(): Promise<never> {
    const { report } = await this.engine.ended;
    throw new TenutoError(
      'TENUTO_ENGINE_FAILED',
      `the engine ended before it played (${report?.reason ?? 'its keeper was killed'})`,
    );
  }

  private interrupted(): Promise<never> {
    return new Promise((_, reject) => {
      const { signal } = this.options;
      const end = () => reject(new Interrupted('interrupted'));
      if (signal?.aborted) end();
      signal?.addEventListener('abort', end, { once: true });
    });
  }

  /** Waits, unless the user or the engine wants to end. */
  async pause(ms: number): Promise<void> {
    const deadline = performance.now() + ms;
    do {
      if (this.options.signal?.aborted) throw new Interrupted('interrupted');
      await delay(Math.max(0, Math.min(50, deadline - performance.now())));
    } while (performance.now() < deadline);
  }

  /** Waits for what has to come; false when it did not within the time. */
  async await(holds: () => boolean, withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    while (!holds()) {
      if (performance.now() > deadline) return false;
      await this.pause(2);
    }
    return true;
  }

  /** What the ears heard, against the offline rendering. Takes a while. */
  async judge(ears: readonly Ear[]): Promise<Heard> {
    const { rateHz } = this.settings.engine;
    // What was given last may have been heard, and nothing beyond it.
    const frames = Math.ceil(this.playedSec * rateHz) + rateHz;
    const signal = await renderFirstChannel(knownSignal(this.settings), frames);
    const passages: Passage[][] = [];
    for (const ear of ears) {
      const found = findPassages(signal, ear.channel(0));
      passages.push(markUnheard(found, (frame) => ear.missedBefore(frame)));
      await delay(0);
    }
    return { passages, account: accountOf(passages) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.stop();
  }
}
