import { createSocket } from 'node:dgram';
import { describe, expect, it } from 'vitest';
import type { RunningEngine } from '../../dist/client/index.js';
import type { RemoteAck } from '../../dist/control/remote/desk.js';
import { killNow } from '../../dist/os/index.js';
import { launch, pidOf, testSettings, until, whole } from '../kit/engine.js';

/** A remote, as it would be built of a radio and three buttons. */
class Remote {
  readonly acks: RemoteAck[] = [];
  private readonly socket = createSocket('udp4');
  private readonly port: number;

  constructor(engine: RunningEngine) {
    this.port = Number(/:(\d+)$/.exec(engine.status().control.remote ?? '')?.[1]);
    this.socket.on('message', (bytes) => {
      this.acks.push(JSON.parse(bytes.toString()) as RemoteAck);
    });
  }

  send(packet: object | string): void {
    const text = typeof packet === 'string' ? packet : JSON.stringify(packet);
    this.socket.send(text, this.port, '127.0.0.1');
  }

  /** Sends until there is an answer, as a remote does whose packets may be lost. */
  async tell(packet: { seq: number; cmd: unknown; value?: unknown }): Promise<RemoteAck> {
    let looks = 0;
    return until(`an answer to ${packet.seq}`, () => {
      if (looks++ % 20 === 0) this.send({ type: 'CTRL', ...packet });
      return this.acks.find(({ ack_seq: seq }) => seq === packet.seq);
    });
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}

const settings = () => testSettings(['control.remote=127.0.0.1:0']);

describe('the datagram remote', () => {
  it('is answered after its command was applied, with what results', async () => {
    await using engine = await launch({ settings: settings() });
    await whole(engine);
    using remote = new Remote(engine);
    const ack = await remote.tell({ seq: 1, cmd: 'room.size', value: 0.25 });
    expect(ack).toMatchObject({ type: 'ACK', ok: true, snapshot: { transport: 'playing' } });
    expect(ack.snapshot.values['room.size']).toBe(0.25);
    const stopped = await remote.tell({ seq: 2, cmd: 'stop' });
    expect(stopped.snapshot.transport).toBe('stopped');
    const bundle = { do: 'bundle', commands: [{ do: 'set', path: 'room.mix', value: 0.5 }] };
    const third = await remote.tell({ seq: 3, cmd: bundle });
    expect(third.snapshot.values['room.mix']).toBe(0.5);
    expect((await remote.tell({ seq: 4, cmd: 'get' })).snapshot.state_seq).toBe(3);
  });

  it('may send again what was not answered: it is applied once, also across a death', async () => {
    await using engine = await launch({ settings: settings() });
    await whole(engine);
    using remote = new Remote(engine);
    const packet = { type: 'CTRL', seq: 7, cmd: 'room.size', value: 0.25 };
    for (let i = 0; i < 10; i++) remote.send(packet);
    await until('ten answers', () => remote.acks.length === 10);
    expect(new Set(remote.acks.map(({ snapshot }) => snapshot.state_seq))).toEqual(new Set([1]));
    const before = pidOf(engine, 'control');
    killNow(before);
    remote.acks.length = 0;
    await remote.tell({ seq: 7, cmd: 'room.size', value: 0.25 });
    expect(engine.status().counters.commands).toBe(1);
  });

  it('is told what is wrong with a packet, and nothing happens', async () => {
    await using engine = await launch({ settings: settings() });
    await whole(engine);
    using remote = new Remote(engine);
    remote.send('{"seq":');
    remote.send({ seq: -1, cmd: 'room.size', value: 1 });
    remote.send('x'.repeat(9000));
    await until('three answers', () => remote.acks.length === 3);
    expect(remote.acks.every(({ ok, code }) => !ok && code === 'TENUTO_COMMAND_INVALID')).toBe(
      true,
    );
    const unknown = await remote.tell({ seq: 1, cmd: 'rom.size', value: 1 });
    expect(unknown).toMatchObject({ ok: false, code: 'TENUTO_COMMAND_UNKNOWN' });
    expect(engine.status().counters).toMatchObject({ commands: 0, packetsRefused: 3 });
  });
});
