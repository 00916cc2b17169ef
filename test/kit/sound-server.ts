import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

/**
 * A PipeWire sound server of its own for a test: session bus, pipewire, wireplumber and
 * pipewire-pulse in a runtime directory that nobody else has. It needs no sound card, its sinks play
 * nowhere and are heard at their monitors. Several may run at once.
 */

const call = promisify(execFile);
const patienceMs = 20_000;

/** A bus that starts nothing by itself: whatever it started would outlive the test. */
const busSettings = (socket: string) => `<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;

export interface SinkOptions {
  name: string;
  rate?: number;
  channels?: number;
}

/** What is heard at a sink's monitor, as interleaved floats. */
export interface Listener {
  /** All that was heard so far. */
  readonly samples: Float32Array;
  /** Stops listening; what was heard stays. */
  stop(): Promise<Float32Array>;
}

type Program = 'dbus-daemon' | 'pipewire' | 'wireplumber' | 'pipewire-pulse';

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`in vain: ${what}`);
    await delay(10);
  }
}

/** Whether somebody accepts connections at a Unix socket. */
function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const answer = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => answer(true)).once('error', () => answer(false));
  });
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

/** The numbers of channels and their places, as `pactl` wants them. */
const channelMaps: Record<number, string> = {
  1: 'mono',
  2: 'front-left,front-right',
  6: 'front-left,front-right,rear-left,rear-right,front-center,lfe',
};

export class SoundServer {
  /** For processes that are to use this server and nothing of the person who runs the test. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #children = new Map<Program, ChildProcess>();
  readonly #listeners = new Set<ChildProcess>();
  /** Sinks by name: like sound cards, they are there again after the server's restart. */
  readonly #sinks = new Map<string, { options: SinkOptions; module: string }>();
  readonly #sources = new Map<string, string>();

  private constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'tenuto-sound-'));
    chmodSync(this.#folder, 0o700);
    const own = (name: string) => {
      const path = join(this.#folder, name);
      mkdirSync(path);
      return path;
    };
    this.environment = {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      HOME: own('home'),
      XDG_CONFIG_HOME: own('config'),
      XDG_STATE_HOME: own('state'),
      XDG_DATA_HOME: own('data'),
      XDG_CACHE_HOME: own('cache'),
      XDG_RUNTIME_DIR: this.#folder,
      PIPEWIRE_RUNTIME_DIR: this.#folder,
      PULSE_RUNTIME_PATH: join(this.#folder, 'pulse'),
      PULSE_SERVER: `unix:${this.#pulseSocket}`,
      DBUS_SESSION_BUS_ADDRESS: `unix:path=${this.#busSocket}`,
      // Without the machine's bus nothing of it is asked for, be it there or not.
      DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${this.#busSocket}`,
    };
  }

  /** Starts a server that is ended when the test that started it is over, or by `close`. */
  static async start(): Promise<SoundServer> {
    const server = await SoundServer.startForFile();
    onTestFinished(() => server.close());
    return server;
  }

  /** Starts a server for all tests of a file: whoever calls this closes it in `afterAll`. */
  static async startForFile(): Promise<SoundServer> {
    const server = new SoundServer();
    try {
      await server.startServer();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  get #busSocket(): string {
    return join(this.#folder, 'bus');
  }

  get #pulseSocket(): string {
    return join(this.#folder, 'pulse', 'native');
  }

  get #pipewireSocket(): string {
    return join(this.#folder, 'pipewire-0');
  }

  /** What the programs of the server printed. */
  get logFile(): string {
    return join(this.#folder, 'log');
  }

  pid(program: Program): number {
    const pid = this.#children.get(program)?.pid;
    if (pid === undefined) throw new Error(`${program} does not run`);
    return pid;
  }

  /** Starts the programs that do not run, and makes the sinks and sources that there were. */
  async startServer(): Promise<void> {
    const bus = join(this.#folder, 'bus.xml');
    writeFileSync(bus, busSettings(this.#busSocket));
    await this.#start('dbus-daemon', [`--config-file=${bus}`, '--nofork'], this.#busSocket);
    await this.#start('pipewire', [], this.#pipewireSocket);
    await this.#start('wireplumber', []);
    await this.#start('pipewire-pulse', [], this.#pulseSocket);
    // WirePlumber makes this when its policies are in force: streams are linked from then on.
    await until('wireplumber is active', () => this.#hasPolicy());
    for (const [name, { options }] of [...this.#sinks]) {
      this.#sinks.delete(name);
      await this.addSink(options);
    }
    for (const [name, sink] of [...this.#sources]) await this.addSource(name, sink);
  }

  async #hasPolicy(): Promise<boolean> {
    const { stdout } = await this.run('pw-dump', []);
    return stdout.includes('"metadata.name": "default"') && stdout.includes('"WirePlumber"');
  }

  async #start(program: Program, args: string[], socket?: string): Promise<void> {
    const before = this.#children.get(program);
    if (before && !hasEnded(before)) return;
    const log = openSync(this.logFile, 'a');
    // Killed with the test process, so that a run that is ended by force leaves nothing behind.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], {
      env: this.environment,
      cwd: this.#folder,
      stdio: ['ignore', log, log],
    });
    this.#children.set(program, child);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve).once('error', reject);
    });
    if (socket === undefined) return;
    await until(`${program} accepts connections`, () => {
      if (hasEnded(child)) throw new Error(`${program} ended; its words are in ${this.logFile}`);
      return accepts(socket);
    });
  }

  /** Ends pipewire, wireplumber and pipewire-pulse by SIGKILL; their clients are told nothing. */
  async killServer(): Promise<void> {
    const programs: Program[] = ['pipewire', 'pipewire-pulse', 'wireplumber'];
    await Promise.all(
      programs.map((program) => {
        const child = this.#children.get(program);
        return child && end(child, 'SIGKILL');
      }),
    );
    // What a killed process leaves on the disk would make its successor look as if it were ready.
    for (const path of [this.#pipewireSocket, this.#pulseSocket]) rmSync(path, { force: true });
  }

  /** Runs a program of the server's to its end, in its environment. */
  run(program: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    return call(program, args, { env: this.environment, maxBuffer: 64 << 20, timeout: patienceMs });
  }

  async #pactl(...args: string[]): Promise<string> {
    return (await this.run('pactl', args)).stdout.trim();
  }

  /** Makes a sink without a sound card; what it plays is heard by `listen`. */
  async addSink(options: SinkOptions): Promise<void> {
    const { name, rate = 48_000, channels = 2 } = options;
    const map = channelMaps[channels];
    if (map === undefined) throw new Error(`no channel map for ${channels} channels`);
    const format = [`rate=${rate}`, `channels=${channels}`, `channel_map=${map}`];
    const module = await this.#pactl(
      'load-module',
      'module-null-sink',
      `sink_name=${name}`,
      ...format,
    );
    this.#sinks.set(name, { options, module });
    await until(`the sink ${name} is there`, () => this.hasSink(name));
  }

  async hasSink(name: string): Promise<boolean> {
    const list = await this.#pactl('list', 'short', 'sinks');
    return list.split('\n').some((line) => line.split('\t')[1] === name);
  }

  async removeSink(name: string): Promise<void> {
    const sink = this.#sinks.get(name);
    if (!sink) throw new Error(`there is no sink ${name}`);
    this.#sinks.delete(name);
    await this.#pactl('unload-module', sink.module);
    await until(`the sink ${name} is gone`, async () => !(await this.hasSink(name)));
  }

  /** Makes a source that gives what a sink plays: a microphone before a loudspeaker. */
  async addSource(name: string, sink: string): Promise<void> {
    const args = [`master=${sink}.monitor`, `source_name=${name}`];
    await this.#pactl('load-module', 'module-remap-source', ...args);
    this.#sources.set(name, sink);
    await until(`the source ${name} is there`, async () => {
      const list = await this.#pactl('list', 'short', 'sources');
      return list.split('\n').some((line) => line.split('\t')[1] === name);
    });
  }

  async setDefaultSink(name: string): Promise<void> {
    await this.#pactl('set-default-sink', name);
    await until(`${name} is the default sink`, async () => {
      return (await this.#pactl('get-default-sink')) === name;
    });
  }

  async setDefaultSource(name: string): Promise<void> {
    await this.#pactl('set-default-source', name);
    await until(`${name} is the default source`, async () => {
      return (await this.#pactl('get-default-source')) === name;
    });
  }

  /** Moves every stream that plays on one sink to another, as a person does in a mixer. */
  async moveStreams(from: string, to: string): Promise<void> {
    const sinks = (await this.#pactl('list', 'short', 'sinks')).split('\n');
    const id = sinks.find((line) => line.split('\t')[1] === from)?.split('\t')[0];
    for (const line of (await this.#pactl('list', 'short', 'sink-inputs')).split('\n')) {
      const [stream, sink] = line.split('\t');
      if (stream && sink === id) await this.#pactl('move-sink-input', stream, to);
    }
  }

  /** Hears what a sink plays, from the moment that this settles. */
  async listen(sink: string, options: Omit<SinkOptions, 'name'> = {}): Promise<Listener> {
    const { rate = 48_000, channels = 2 } = options;
    const child = spawn(
      'setpriv',
      [
        ...['--pdeathsig', 'KILL', 'parec', '--raw', '-d', `${sink}.monitor`],
        ...['--format=float32le', `--rate=${rate}`, `--channels=${channels}`],
        ...[`--channel-map=${channelMaps[channels]}`, '--latency-msec=20'],
      ],
      { env: this.environment, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    this.#listeners.add(child);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const closed = new Promise((resolve) => child.once('close', resolve));
    const heard = () => {
      const bytes = Buffer.concat(chunks);
      return new Float32Array(Uint8Array.from(bytes).buffer, 0, bytes.length >> 2);
    };
    await until(`${sink} is heard`, () => {
      if (hasEnded(child)) throw new Error(`parec cannot listen to ${sink}`);
      return chunks.length > 0;
    });
    return {
      get samples() {
        return heard();
      },
      stop: async () => {
        child.kill('SIGKILL');
        await closed;
        this.#listeners.delete(child);
        return heard();
      },
    };
  }

  /** Ends every process and removes every file. Idempotent. */
  async close(): Promise<void> {
    const children = [...this.#listeners, ...[...this.#children.values()].reverse()];
    await Promise.all(children.map((child) => end(child, 'SIGKILL')));
    this.#listeners.clear();
    this.#children.clear();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
