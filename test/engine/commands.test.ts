import { describe, expect, it } from 'vitest';
import { connectEngine } from '../../dist/client/index.js';
import { compilePatch, parsePatch } from '../../dist/dsp/index.js';
import { decodeWhole } from '../../dist/media/index.js';
import { killNow } from '../../dist/os/index.js';
import type { Settings } from '../../dist/settings/index.js';
import { launch, pidOf, temporaryFile, testSettings, until, whole } from '../kit/engine.js';

/** Plays on each channel the number that it is told. */
function stepPatch({ engine }: Settings) {
  const text = `
nodes:
  left: { type: gain, in: 0 }
  right: { type: gain, in: 0 }
  wideLeft: { type: pan, in: left, position: -1 }
  wideRight: { type: pan, in: right, position: 1 }
  out: { type: out, in: [wideLeft, wideRight] }
`;
  const format = { rate: engine.rateHz, quantum: engine.quantumFrames, channels: engine.channels };
  return compilePatch(parsePatch(text, 'steps.yaml'), format);
}

describe('commands to a running engine', () => {
  it('change parameters, and say what results and when', async () => {
    await using engine = await launch({ settings: testSettings() });
    await whole(engine);
    const first = await engine.set('room.size', 0.5);
    expect(first).toMatchObject({ ok: true, seq: 1, frame: 0 });
    expect(first.state.values['room.size']).toBe(0.5);
    const second = await engine.set('room.mix', '10%', { rampMs: 1000, ifSeq: 1 });
    expect(second.seq).toBe(2);
    const { values, seq } = await engine.get('room');
    expect(seq).toBe(2);
    expect(values['room.size']).toMatchObject({ target: 0.5, min: 0, max: 1 });
    expect(values['room.mix']!.target).toBeCloseTo(0.1, 6);
  });

  it('are refused with a reason, and have no effect', async () => {
    await using engine = await launch({ settings: testSettings() });
    await engine.playing;
    const refused = [
      ['rom.size', 0.5, 'TENUTO_COMMAND_UNKNOWN', /did you mean room\?/],
      ['room.sice', 0.5, 'TENUTO_COMMAND_UNKNOWN', /did you mean room\.size\?/],
      ['room.size', 7, 'TENUTO_COMMAND_RANGE', /from 0 to 1/],
      ['room.size', 'large', 'TENUTO_COMMAND_INVALID', /no number/],
    ] as const;
    for (const [path, value, code, message] of refused) {
      const failure = engine.set(path, value);
      await expect(failure).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    }
    const stale = engine.set('room.size', 0.5, { ifSeq: 99 });
    await expect(stale).rejects.toMatchObject({ code: 'TENUTO_COMMAND_STALE' });
    expect(engine.status().counters).toMatchObject({ commands: 0, commandsRefused: 5 });
  });

  it('are applied once, also when control dies between asking and asking again', async () => {
    await using engine = await launch({ settings: testSettings() });
    await whole(engine);
    await using connection = await connectEngine(engine.name);
    const command = { id: 'once', do: 'set', path: 'room.size', value: 0.25 } as const;
    const first = await connection.command(command);
    const before = pidOf(engine, 'control');
    killNow(before);
    const { processes } = engine.status();
    const row = processes.findIndex(({ role }) => role === 'control');
    await until('another control process', () => {
      const { pid } = engine.status().processes[row]!;
      return pid > 1 && pid !== before;
    });
    const again = await connection.command(command);
    expect(again).toEqual({ ...first, repeated: true });
    expect(engine.status().counters.commands).toBe(1);
    expect((await connection.get('room.size')).values['room.size']!.target).toBe(0.25);
  });

  it('that wait for long are known by their id while they wait and after, whatever dies', async () => {
    // So that the journal goes round in less than three seconds.
    const settings = testSettings(['engine.rateHz=96000', 'engine.quantumFrames=64']);
    await using engine = await launch({ settings });
    await whole(engine);
    await using connection = await connectEngine(engine.name);
    const command = {
      id: 'later',
      do: 'set',
      path: 'room.size',
      value: 0.25,
      at: { inSec: 7 },
    } as const;
    const first = await connection.command(command);
    const again = { ...first, repeated: true };
    const sealedAt = engine.status().tick;
    const restartControl = async () => {
      const before = pidOf(engine, 'control');
      const row = engine.status().processes.findIndex(({ role }) => role === 'control');
      killNow(before);
      await until('another control process', () => {
        const { pid } = engine.status().processes[row]!;
        return pid > 1 && pid !== before;
      });
    };
    await until('the journal has gone round', () => engine.status().tick - sealedAt > 4200);
    expect(engine.status().tick).toBeLessThan(first.tick);
    expect(await connection.command(command)).toEqual(again);
    await restartControl();
    expect(await connection.command(command)).toEqual(again);
    await until('it took effect', () => engine.status().tick > first.tick + 10);
    await engine.set('room.size', 0.5);
    await restartControl();
    expect(await connection.command(command)).toEqual(again);
    expect(engine.status().counters.commands).toBe(2);
    expect((await connection.get('room.size')).values['room.size']!.target).toBe(0.5);
  });

  it.each([0, -1000])(
    'take effect on their frame when they are timed, from tick %i',
    async (first) => {
      const settings = testSettings();
      const recordPath = await temporaryFile('timed.wav');
      const patch = stepPatch(settings);
      const engine = await launch({ settings, recordPath, patch, firstTick: first });
      await whole(engine);
      const { quantum, rate } = engine.status();
      // Ticks are 32 bits wide.
      const after = (ticks: number) => (engine.status().tick + ticks) >>> 0;
      const tick = after(400);
      const next = (ticks: number) => (tick + ticks) >>> 0;
      const changes = (value: number) =>
        ['left', 'right'].map((node) => ({ do: 'set', path: `${node}.in`, value }) as const);
      const at = [
        { tick, frame: 5 },
        { tick: next(10), frame: quantum - 1 },
        { tick: next(20), frame: 0 },
      ];
      const values = [0.25, -0.5, 0.75];
      const acks = await Promise.all(
        at.map((time, i) =>
          engine.command({ do: 'bundle', commands: changes(values[i]!), at: time }),
        ),
      );
      expect(acks.map((ack) => ({ tick: ack.tick, frame: ack.frame }))).toEqual(at);
      const soon = await engine.set('left.in', 0, { at: { inSec: 0.2 } });
      await until(
        'all of it was played',
        () => engine.status().playedSec * rate > (((tick - first) >>> 0) + 60) * quantum,
      );
      await engine.stop();
      const { samples } = await decodeWhole(recordPath, { rate, channels: 2 });
      const firstOther = (from: number, channel: number) => {
        let frame = from;
        while (samples[frame * 2 + channel] === samples[from * 2 + channel]) frame++;
        return frame;
      };
      for (const channel of [0, 1]) {
        let from = 0;
        for (const time of at) {
          const frame = ((time.tick - first) >>> 0) * quantum + time.frame;
          expect(firstOther(from, channel)).toBe(frame);
          from = frame + 400;
        }
      }
      expect(soon.tick).toBeGreaterThan(0);
    },
  );

  it('that wait for their time are as many as there is room for, and outlive control', async () => {
    await using engine = await launch({ settings: testSettings() });
    await whole(engine);
    const commands = Array.from(
      { length: 64 },
      (_, i) => ({ do: 'set', path: 'room.size', value: (i + 1) / 100 }) as const,
    );
    const at = { inSec: 600 };
    const bundles = Array.from({ length: 16 }, () =>
      engine.command({ do: 'bundle', commands, at }),
    );
    const ahead = (await Promise.all(bundles)).map(({ tick }) => tick - engine.status().tick);
    expect(Math.min(...ahead)).toBeGreaterThan(200_000);
    const full = { code: 'TENUTO_COMMAND_LIMIT' };
    await expect(engine.set('room.size', 0.5, { at })).rejects.toMatchObject(full);
    const before = pidOf(engine, 'control');
    const row = engine.status().processes.findIndex(({ role }) => role === 'control');
    killNow(before);
    await until('another control process', () => {
      const { pid } = engine.status().processes[row]!;
      return pid > 1 && pid !== before;
    });
    await expect(engine.set('room.size', 0.5, { at })).rejects.toMatchObject(full);
    expect((await engine.set('room.size', 0.5)).state.values['room.size']).toBe(0.5);
  });

  it('stop the sound and start it again, and the device stays open', async () => {
    await using engine = await launch({ settings: testSettings() });
    await whole(engine);
    const stopped = await engine.command({ do: 'stop', fadeMs: 5 });
    expect(stopped.state.transport).toBe('stopped');
    expect((await engine.get()).transport).toBe('stopped');
    const started = await engine.command({ do: 'start' });
    expect(started.state.transport).toBe('playing');
    expect(engine.status()).toMatchObject({ state: 'running', device: { state: 'playing' } });
  });
});
