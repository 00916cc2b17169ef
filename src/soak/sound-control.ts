import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Ear } from './ear.js';
import { makeTemporaryFolder } from './temporary-folder.js';

const call = promisify(execFile);
/** For what a sound server does at once, on a machine that is busy. */
const patienceMs = 20_000;
const memoryFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A sink without a sound card. */
export interface SinkOptions {
  name: string;
  /** Frames per second. Default 48,000. */
  rate?: number;
  /** 1, 2 or 6. Default 2. */
  channels?: number;
}

/** How a sink is heard. */
export interface EarOptions extends Omit<SinkOptions, 'name'> {
  /** Ends with the sink. Else it waits for it, and may hear the default sink meanwhile. */
  stays?: boolean;
}

/** The numbers of channels and their places, as `pactl` wants them. */
export const channelMaps: Record<number, string> = {
  1: 'mono',
  2: 'front-left,front-right',
  6: 'front-left,front-right,rear-left,rear-right,front-center,lfe',
};

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Ends a child, if it has not ended, and waits for its end. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child) || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

/** Waits for what has to come; tells what was waited for in vain. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  everyMs = 10,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`in vain: ${what}`);
    await delay(everyMs);
  }
}

/**
 * Starts a program that ends with this process, whatever ends that, and that hears nothing of a
 * Ctrl-C at the terminal.
 */
export function spawnBound(
  program: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; cwd?: string; stdio: ('ignore' | number)[] },
): ChildProcess {
  const command = ['--pdeathsig', 'KILL', program, ...args];
  return spawn('setpriv', command, { ...options, detached: true });
}

/**
 * What a person does to a sound server: sinks come and go, one becomes the default, streams are
 * moved; and what a person hears. By the programs `pactl` and `pw-record`.
 */
export abstract class SoundControl {
  /** For processes that are to use this server. */
  abstract readonly environment: Readonly<Record<string, string>>;
  /** Sinks by name, with the module that each is; null for one that came with the server. */
  protected readonly sinks = new Map<string, { options: SinkOptions; module: string | null }>();
  private readonly ears = new Set<Ear>();
  /** Of memory where there is such a folder: a disk would hold up whoever listens. */
  private readonly earFolder = makeTemporaryFolder(memoryFolder);
  private nextEar = 0;

  /** Runs a program of the server's to its end, in its environment. */
  run(program: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    const { environment } = this;
    return call(program, args, { env: environment, maxBuffer: 64 << 20, timeout: patienceMs });
  }

  protected async pactl(...args: string[]): Promise<string> {
    return (await this.run('pactl', args)).stdout.trim();
  }

  /** Rows of a list of the server's, each as its columns. */
  private async list(what: 'sinks' | 'sources' | 'sink-inputs'): Promise<string[][]> {
    const text = await this.pactl('list', 'short', what);
    return text.split('\n').map((line) => line.split('\t'));
  }

  /** Makes a sink; what it plays is heard by `listen`. */
  async addSink(options: SinkOptions): Promise<void> {
    const { name, rate = 48_000, channels = 2 } = options;
    const map = channelMaps[channels];
    if (map === undefined) throw new Error(`no channel map for ${channels} channels`);
    const format = [`rate=${rate}`, `channels=${channels}`, `channel_map=${map}`];
    const kind = ['load-module', 'module-null-sink'];
    const module = await this.pactl(...kind, `sink_name=${name}`, ...format);
    this.sinks.set(name, { options, module });
    await until(`the sink ${name} is there`, () => this.hasSink(name));
  }

  async hasSink(name: string): Promise<boolean> {
    return (await this.list('sinks')).some((row) => row[1] === name);
  }

  async hasSource(name: string): Promise<boolean> {
    return (await this.list('sources')).some((row) => row[1] === name);
  }

  async removeSink(name: string): Promise<void> {
    const sink = this.sinks.get(name);
    if (!sink) throw new Error(`there is no sink ${name}`);
    this.sinks.delete(name);
    if (sink.module === null) await this.run('pw-cli', ['destroy', name]);
    else await this.pactl('unload-module', sink.module);
    await until(`the sink ${name} is gone`, async () => !(await this.hasSink(name)));
  }

  /** Frames per second of a sink, as the server says it runs. */
  async sinkRate(name: string): Promise<number> {
    const row = (await this.list('sinks')).find((one) => one[1] === name);
    return Number(/(\d+)Hz/.exec(row?.[3] ?? '')?.[1] ?? 0);
  }

  async setDefaultSink(name: string): Promise<void> {
    await this.pactl('set-default-sink', name);
    await until(`${name} is the default sink`, async () => {
      return (await this.pactl('get-default-sink')) === name;
    });
  }

  /** Moves every stream that plays on one sink to another, as a person does in a mixer. */
  async moveStreams(from: string, to: string): Promise<void> {
    const id = (await this.list('sinks')).find((row) => row[1] === from)?.[0];
    for (const [stream, sink] of await this.list('sink-inputs')) {
      if (stream && sink === id) await this.pactl('move-sink-input', stream, to);
    }
  }

  /** Hears what a sink plays, from the moment that this settles. */
  async listen(sink: string, options: EarOptions = {}): Promise<Ear> {
    const ear = this.startEar(sink, { stays: true, ...options });
    await until(`${sink} is heard`, () => {
      if (ear.hasEnded) throw new Error(`nobody can listen to ${sink}`);
      return ear.frames > 0;
    });
    return ear;
  }

  /** The program that writes what a sink plays, as floats, to its standard output. */
  protected earCommand(
    sink: string,
    { rate, channels, stays }: Required<EarOptions>,
  ): [string, ...string[]] {
    const properties = `{ stream.capture.sink = true node.dont-reconnect = ${stays} }`;
    return [
      'pw-record',
      ...['--target', sink, '--format', 'f32', '--rate', `${rate}`, '--channels', `${channels}`],
      // Small steps, so that the time at which they come tells when they were played.
      ...['--latency', '128', '--properties', properties, '-'],
    ];
  }

  /**
   * Begins to hear a sink. One that `stays` ends with the sink; another one waits for a sink that is
   * away, and may hear the default sink meanwhile.
   */
  startEar(sink: string, options: EarOptions = {}): Ear {
    const { rate = 48_000, channels = 2, stays = false } = options;
    const [program, ...args] = this.earCommand(sink, { rate, channels, stays });
    const path = join(this.earFolder.path, `ear-${this.nextEar++}`);
    const fd = openSync(path, 'w+');
    const child = spawnBound(program, args, {
      env: this.environment,
      stdio: ['ignore', fd, 'ignore'],
    });
    const ear = new Ear(sink, child, fd, { rate, channels });
    this.ears.add(ear);
    return ear;
  }

  protected async closeEars(): Promise<void> {
    await Promise.all([...this.ears].map((ear) => ear.stop()));
    this.ears.clear();
    this.earFolder[Symbol.dispose]();
  }

  /** Takes back all that was done. Idempotent. */
  abstract close(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
