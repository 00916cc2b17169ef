import { type ChildProcess, spawn } from 'node:child_process';
import { type SinkOptions, SoundControl } from './sound-control.js';

/**
 * Takes back what was done to a server as soon as its input ends, which it does however the program
 * ends that wrote to it.
 */
const guardScript = 'all=; while read -r line; do all="pactl $line;$all"; done; eval "$all"';

/** The user's own sound server, with sinks that are gone, and the default that was, afterwards. */
export class OwnServer extends SoundControl {
  readonly environment = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => !!entry[1]),
  );
  private readonly guard: ChildProcess;

  private constructor() {
    super();
    // In a session of its own, so that a Ctrl-C at the terminal does not end it first.
    this.guard = spawn('sh', ['-c', guardScript], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }

  /** @throws Error when no server answers */
  static async open(): Promise<OwnServer> {
    const server = new OwnServer();
    try {
      const before = await server.pactl('get-default-sink');
      server.remember(`set-default-sink ${before}`);
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  private remember(line: string): void {
    this.guard.stdin!.write(`${line}\n`);
  }

  override async addSink(options: SinkOptions): Promise<void> {
    const adding = super.addSink(options);
    await adding;
    const module = this.sinks.get(options.name)?.module;
    if (module) this.remember(`unload-module ${module}`);
  }

  async close(): Promise<void> {
    await this.closeEars();
    if (this.guard.exitCode !== null) return;
    const ended = new Promise((resolve) => this.guard.once('exit', resolve));
    this.guard.stdin!.end();
    await ended;
  }
}
