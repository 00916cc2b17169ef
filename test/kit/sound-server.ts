import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { PrivateServer } from '../../src/soak/private-server.js';
import { channelMaps, type EarOptions, type SinkOptions } from '../../src/soak/sound-control.js';

export type { Ear as Listener } from '../../src/soak/ear.js';

/** A sound server of its own for a test, without a sound card; see `PrivateServer`. */
export class SoundServer extends PrivateServer {
  /**
   * By PulseAudio's protocol: the server hands on what it plays itself, so that nothing is missed
   * where it plays little at a time. When it was played is not known so exactly.
   */
  protected override earCommand(
    sink: string,
    { rate, channels }: Required<EarOptions>,
  ): [string, ...string[]] {
    const format = ['--format=float32le', `--rate=${rate}`, `--channels=${channels}`];
    const map = `--channel-map=${channelMaps[channels]}`;
    return ['parec', '--raw', '-d', `${sink}.monitor`, ...format, map, '--latency-msec=20'];
  }

  /** Starts a server that is ended when the test that started it is over, or by `close`. */
  static async start(): Promise<SoundServer> {
    const server = await SoundServer.begin();
    onTestFinished(() => server.close());
    return server;
  }

  /** Whoever calls this closes it. */
  static async begin(): Promise<SoundServer> {
    const server = new SoundServer();
    try {
      await server.startServer();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }
}

/**
 * Starts a server for all tests of a file, and puts this process into its environment meanwhile.
 *
 * @param sinks the first of which is the default
 * @returns what gives the server, once the tests run
 */
export function serverOfFile(first: SinkOptions, ...others: SinkOptions[]): () => SoundServer {
  const before = new Map<string, string | undefined>();
  let server: SoundServer | null = null;
  beforeAll(async () => {
    server = await SoundServer.begin();
    for (const name of Object.keys(server.environment)) before.set(name, process.env[name]);
    Object.assign(process.env, server.environment);
    for (const sink of [first, ...others]) await server.addSink(sink);
    await server.setDefaultSink(first.name);
  });
  afterAll(async () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await server?.close();
  });
  return () => server!;
}
