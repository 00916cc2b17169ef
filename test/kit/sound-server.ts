import { onTestFinished } from 'vitest';
import { PrivateServer } from '../../src/soak/private-server.js';
import { channelMaps, type EarOptions } from '../../src/soak/sound-control.js';

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
}
