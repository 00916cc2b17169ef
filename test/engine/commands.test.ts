import { describe, expect, it } from 'vitest';
import { connectEngine } from '../../dist/client/index.js';
import { killNow } from '../../dist/os/index.js';
import { launch, pidOf, testSettings, until, whole } from '../kit/engine.js';

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
});
