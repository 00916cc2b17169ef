import type { ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { endChild, hasEnded, SoundControl, spawnBound, until } from './sound-control.js';
import { makeTemporaryFolder } from './temporary-folder.js';

/** A bus that starts nothing by itself: whatever it started would outlive the server. */
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

/** A sink that is there as soon as PipeWire is, like a sound card. */
const sinkSettings = (name: string, rate: number, places: string) => `  { factory = adapter
    args = { factory.name = support.null-audio-sink, media.class = Audio/Sink
      node.name = "${name}", node.description = "${name}", object.linger = true
      audio.rate = ${rate}, audio.position = [ ${places} ]
      monitor.channel-volumes = true, monitor.passthrough = true } }
`;

const places: Record<number, string> = { 1: 'MONO', 2: 'FL FR', 6: 'FL FR RL RR FC LFE' };

/** The programs that a server is made of. */
const serverPrograms = ['dbus-daemon', 'pipewire', 'wireplumber', 'pipewire-pulse'] as const;
type Program = (typeof serverPrograms)[number];

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

/** WirePlumber ends where no systemd runs, since it cannot watch logins for Bluetooth's sake. */
const noBluetooth = `bluez_monitor.enabled = false
bluez_monitor.properties["with-logind"] = false
`;

/**
 * A PipeWire sound server of its own: session bus, pipewire, wireplumber and pipewire-pulse in a
 * runtime directory that nobody else has. It needs no sound card; its sinks play nowhere and are
 * heard at their monitors. Several may run at once; each ends with this process.
 */
export class PrivateServer extends SoundControl {
  readonly environment: Readonly<Record<string, string>>;
  readonly #folder = makeTemporaryFolder();
  readonly #children = new Map<Program, ChildProcess>();
  readonly #sources = new Map<string, string>();
  /** Milliseconds of `performance.now` at which clients were accepted last. */
  #acceptedMs = 0;

  /** @param quantum - frames that it plays at a time; null: what its clients ask for */
  protected constructor(private readonly quantum: number | null = null) {
    super();
    const { path } = this.#folder;
    const own = (name: string) => {
      mkdirSync(join(path, name));
      return join(path, name);
    };
    this.environment = {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      HOME: own('home'),
      XDG_CONFIG_HOME: own('config'),
      XDG_STATE_HOME: own('state'),
      XDG_DATA_HOME: own('data'),
      XDG_CACHE_HOME: own('cache'),
      XDG_RUNTIME_DIR: path,
      PIPEWIRE_RUNTIME_DIR: path,
      PULSE_RUNTIME_PATH: join(path, 'pulse'),
      PULSE_SERVER: `unix:${this.#pulseSocket}`,
      DBUS_SESSION_BUS_ADDRESS: `unix:path=${this.#busSocket}`,
      // Without the machine's bus nothing of it is asked for, be it there or not.
      DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${this.#busSocket}`,
    };
  }

  /** Starts one; whoever calls this closes it. */
  static async open(quantum: number | null = null): Promise<PrivateServer> {
    const server = new PrivateServer(quantum);
    try {
      await server.startServer();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  get #busSocket(): string {
    return join(this.#folder.path, 'bus');
  }

  get #pulseSocket(): string {
    return join(this.#folder.path, 'pulse', 'native');
  }

  get #pipewireSocket(): string {
    return join(this.#folder.path, 'pipewire-0');
  }

  /** What the programs of the server printed. */
  get logFile(): string {
    return join(this.#folder.path, 'log');
  }

  /** When it began to accept the clients of today, in milliseconds of `performance.now`. */
  get acceptedMs(): number {
    return this.#acceptedMs;
  }

  pid(program: Program): number {
    const pid = this.#children.get(program)?.pid;
    if (pid === undefined) throw new Error(`${program} does not run`);
    return pid;
  }

  /**
   * Starts the programs that do not run, with the sinks and sources that there were.
   *
   * @param onAudio - called when PipeWire itself accepts clients, before it can be played on
   */
  async startServer(onAudio: () => void = () => {}): Promise<void> {
    const bus = join(this.#folder.path, 'bus.xml');
    writeFileSync(bus, busSettings(this.#busSocket));
    this.#writeSettings();
    await this.#start('dbus-daemon', [`--config-file=${bus}`, '--nofork'], this.#busSocket);
    await this.#start('pipewire', [], this.#pipewireSocket);
    onAudio();
    await this.#start('wireplumber', []);
    const runs = this.#runs('pipewire-pulse');
    await this.#start('pipewire-pulse', [], this.#pulseSocket);
    if (!runs) this.#acceptedMs = performance.now();
    // WirePlumber makes this when its policies are in force: streams are linked from then on.
    await until('wireplumber is active', () => this.#hasPolicy());
    for (const [name, sink] of [...this.#sources]) await this.addSource(name, sink);
  }

  /** Sinks that there were are there from the start, as a sound card would be. */
  #writeSettings(): void {
    const bluetooth = join(this.environment.XDG_CONFIG_HOME!, 'wireplumber', 'bluetooth.lua.d');
    mkdirSync(bluetooth, { recursive: true });
    writeFileSync(join(bluetooth, '80-none.lua'), noBluetooth);
    const folder = join(this.environment.XDG_CONFIG_HOME!, 'pipewire', 'pipewire.conf.d');
    mkdirSync(folder, { recursive: true });
    const lines = [...this.sinks].map(([name, { options }]) => {
      const { rate = 48_000, channels = 2 } = options;
      if (!this.#runs('pipewire')) this.sinks.set(name, { options, module: null });
      return sinkSettings(name, rate, places[channels] ?? 'FL FR');
    });
    writeFileSync(join(folder, 'sinks.conf'), `context.objects = [\n${lines.join('')}]\n`);
    const { quantum } = this;
    if (quantum === null) return;
    const frames = ['quantum', 'min-quantum', 'max-quantum'];
    const properties = frames.map((name) => `  default.clock.${name} = ${quantum}\n`);
    const text = `context.properties = {\n${properties.join('')}}\n`;
    writeFileSync(join(folder, 'quantum.conf'), text);
  }

  async #hasPolicy(): Promise<boolean> {
    const { stdout } = await this.run('pw-dump', []);
    return stdout.includes('"metadata.name": "default"') && stdout.includes('"WirePlumber"');
  }

  #runs(program: Program): boolean {
    const child = this.#children.get(program);
    return child !== undefined && !hasEnded(child);
  }

  async #start(program: Program, args: string[], socket?: string): Promise<void> {
    if (this.#runs(program)) return;
    const log = openSync(this.logFile, 'a');
    const child = spawnBound(program, args, {
      env: this.environment,
      cwd: this.#folder.path,
      stdio: ['ignore', log, log],
    });
    this.#children.set(program, child);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve).once('error', reject);
    });
    if (socket === undefined) return;
    const isThere = () => {
      if (hasEnded(child)) throw new Error(`${program} ended; its words are in ${this.logFile}`);
      return accepts(socket);
    };
    await until(`${program} accepts connections`, isThere, 2);
  }

  /** Ends pipewire, wireplumber and pipewire-pulse by SIGKILL; their clients are told nothing. */
  async killServer(): Promise<void> {
    const programs: Program[] = ['pipewire', 'pipewire-pulse', 'wireplumber'];
    await Promise.all(
      programs.map((program) => {
        const child = this.#children.get(program);
        return child && endChild(child, 'SIGKILL');
      }),
    );
    // What a killed process leaves on the disk would make its successor look as if it were ready.
    for (const path of [this.#pipewireSocket, this.#pulseSocket]) rmSync(path, { force: true });
  }

  /** Stops the programs where they are, or lets them go on: a server that hangs. */
  hangServer(hangs: boolean): void {
    for (const program of serverPrograms.slice(1)) {
      process.kill(this.pid(program), hangs ? 'SIGSTOP' : 'SIGCONT');
    }
  }

  /** Makes a source that gives what a sink plays: a microphone before a loudspeaker. */
  async addSource(name: string, sink: string): Promise<void> {
    const args = [`master=${sink}.monitor`, `source_name=${name}`];
    await this.pactl('load-module', 'module-remap-source', ...args);
    this.#sources.set(name, sink);
    await until(`the source ${name} is there`, () => this.hasSource(name));
  }

  async setDefaultSource(name: string): Promise<void> {
    await this.pactl('set-default-source', name);
    await until(`${name} is the default source`, async () => {
      return (await this.pactl('get-default-source')) === name;
    });
  }

  async close(): Promise<void> {
    const children = [...this.#children.values()].reverse();
    await Promise.all([this.closeEars(), ...children.map((child) => endChild(child, 'SIGKILL'))]);
    this.#children.clear();
    this.#folder[Symbol.dispose]();
  }
}
