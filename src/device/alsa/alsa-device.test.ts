import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Listener, serverOfFile } from '../../../test/kit/sound-server.js';
import { TenutoError } from '../../errors.js';
import { DeviceSignal, deviceHealth, LostReason } from '../device.js';
import { AlsaDevice, type AlsaOptions } from './alsa-device.js';
import { pcmNameOf, streamProperties } from './names.js';
import { openError } from './playback.js';

const quantum = 128;
const server = serverOfFile({ name: 'hall' });

/** A device with a buffer that forgives this process that it is not always there in time. */
function device(name: string, more: Partial<AlsaOptions> = {}): AlsaDevice {
  const made = new AlsaDevice({
    name,
    captureName: null,
    rateHz: 48_000,
    channels: 2,
    captureChannels: 0,
    quantum,
    bufferQuanta: 32,
    stallMs: 150,
    acceptRate: false,
    ...more,
  });
  onTestFinished(() => made.close());
  return made;
}

/** A signal in which each frame says which one it is, and none is silent. */
class Count {
  next = 1;

  constructor(readonly channels = 2) {}

  static readonly scale = 2 ** 15;

  fill(samples: Float32Array): Float32Array {
    for (let i = 0; i < samples.length; i += this.channels) {
      const value = this.next++ / Count.scale;
      for (let c = 0; c < this.channels; c++) samples[i + c] = c % 2 === 0 ? value : -value;
    }
    return samples;
  }
}

function codeOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    if (error instanceof TenutoError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

/** Plays until `done`, or until the device is lost: its last signal. */
function play(
  made: AlsaDevice,
  done: (turn: number) => boolean,
  give: (samples: Float32Array) => Float32Array,
): DeviceSignal {
  const samples = new Float32Array(quantum * made.channels);
  for (let turn = 0; ; ) {
    const signal = made.wait();
    if (signal === DeviceSignal.lost || done(turn)) return signal;
    if (signal === DeviceSignal.early) continue;
    if (made.write(give(samples)) === DeviceSignal.lost) return DeviceSignal.lost;
    turn++;
  }
}

/** Lets the sound server's own processes and this one's events go on while a device is played. */
async function playBeside(
  made: AlsaDevice,
  action: Promise<unknown>,
  give = (samples: Float32Array) => samples,
): Promise<DeviceSignal> {
  let isOver = false;
  void action.finally(() => {
    isOver = true;
  });
  let signal: DeviceSignal = DeviceSignal.due;
  while (signal !== DeviceSignal.lost && !isOver) {
    signal = play(made, (turn) => turn >= 8, give);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await action;
  return signal;
}

/** Frames of a `Count` that were heard, silence left out. */
async function countsHeard(listener: Listener, last: number, channels = 2): Promise<number[]> {
  for (;;) {
    const counts: number[] = [];
    const { samples } = listener;
    for (let i = 0; i + channels <= samples.length; i += channels) {
      if (samples[i] !== 0) counts.push(Math.round(samples[i]! * Count.scale));
    }
    if (counts.at(-1) === last) return counts;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const countTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

/** Plays a count so many turns long on a device that ends in the hall: all that was heard there. */
async function expectHeardWhole(name: string, turns: number): Promise<Float32Array> {
  const listener = await server().listen('hall');
  const made = device(name);
  made.open();
  const count = new Count();
  play(
    made,
    (turn) => turn === turns,
    (samples) => count.fill(samples),
  );
  made.drain(5000);
  const last = turns * quantum;
  expect(await countsHeard(listener, last)).toEqual(countTo(last));
  return listener.stop();
}

/**
 * PipeWire leaves out turns of its graph, and those who listen lose what they are late for, when this
 * machine is busy with everybody's tests. What is wrong here is wrong each time.
 */
const onBusyMachine = { retry: 4 };

describe('what is played on PipeWire', onBusyMachine, () => {
  it('is heard bit for bit, every frame once and in order', async () => {
    const samples = await expectHeardWhole('pipewire:hall', 200);
    const from = samples.indexOf(1 / Count.scale);
    expect(samples[from + 1]).toBe(-1 / Count.scale);
  });

  it.each(['S16_LE', 'S24_3LE', 'S24_LE', 'S32_LE'])('is heard through %s too', async (format) => {
    await expectHeardWhole(`alsa:pipewire:NODE=hall,FORMAT=${format}`, 50);
  });

  it('reaches one channel where there is only one', async () => {
    await server().addSink({ name: 'phone', channels: 1 });
    const listener = await server().listen('phone', { channels: 1 });
    const made = device('alsa:pipewire:NODE=phone,CHANNELS=1');
    made.open();
    play(
      made,
      (turn) => turn === 50,
      (samples) => samples.fill(0.25),
    );
    made.drain(5000);
    const samples = await listener.stop();
    expect(samples.filter((sample) => sample !== 0).length).toBeGreaterThan(0);
    expect(samples.every((sample) => sample === 0 || Math.abs(sample - 0.25) < 0.2)).toBe(true);
    await server().removeSink('phone');
  });

  it.each([1024, 2048])(
    'is heard whole where the server takes %i frames at a time',
    async (step) => {
      const force = (frames: number) =>
        server().run('pw-metadata', ['-n', 'settings', '0', 'clock.force-quantum', `${frames}`]);
      await force(step);
      await expectHeardWhole('pipewire:hall', 200);
      await force(0);
    },
  );

  it('finds nodes with any name', async () => {
    const name = `a,b:c'd`;
    await server().run('pactl', ['load-module', 'module-null-sink', `sink_name="${name}"`]);
    const made = device(`pipewire:${name}`);
    made.open();
    const { stdout } = await server().run('pactl', ['--format=json', 'list', 'sink-inputs']);
    const sinks = JSON.parse(
      (await server().run('pactl', ['--format=json', 'list', 'sinks'])).stdout,
    );
    const [{ sink }] = JSON.parse(stdout);
    expect(sinks.find((one: { index: number }) => one.index === sink).name).toBe(name);
  });
});

describe('what is captured', () => {
  /** What was captured while a count was played, if this process and the server were always in time. */
  function capture(turns: number): number[] | null {
    const made = device('pipewire:hall', {
      captureName: 'pipewire:hall.monitor',
      captureChannels: 2,
    });
    made.open();
    const count = new Count();
    const played = new Float32Array(quantum * 2);
    const heard = new Float32Array(quantum * 2);
    const captured: number[] = [];
    for (let turn = 0; turn < turns; ) {
      const signal = made.wait();
      if (signal === DeviceSignal.early) continue;
      if (signal !== DeviceSignal.due) break;
      made.read(heard);
      made.write(count.fill(played));
      for (let i = 0; i < heard.length; i += 2) captured.push(heard[i]! * Count.scale);
      turn++;
    }
    made.close();
    // A server that is kept from its work plays silence meanwhile, and tells nobody.
    const isWhole =
      captured.length === turns * quantum && !captured.includes(0, captured.indexOf(1));
    return isWhole && made.health[deviceHealth.captureDropFrames] === 0 ? captured : null;
  }

  it('stays beside what is played, to the frame', () => {
    let captured: number[] | null = null;
    while (captured === null) captured = capture(200);
    const first = captured.indexOf(1);
    expect(first).toBeGreaterThan(0);
    expect(captured.slice(first)).toEqual(countTo(captured.length - first));
  });
});

describe('a device that goes', () => {
  it('is lost when its sink is removed, and is not moved to another one', async () => {
    await server().addSink({ name: 'other' });
    await server().addSink({ name: 'dock' });
    const made = device('pipewire:dock');
    made.open();
    expect(await playBeside(made, server().removeSink('dock'))).toBe(DeviceSignal.lost);
    expect(made.health[deviceHealth.lostReason]).toBe(LostReason.serverGone);
    expect(codeOf(() => made.open())).toMatch(/^TENUTO_DEVICE_LOST: pipewire:dock does not start/);
    await server().removeSink('other');
  });

  it('is lost when the sound server is killed, and can be opened when that is back', async () => {
    const made = device('pipewire:hall');
    made.open();
    const count = new Count();
    const fill = (samples: Float32Array) => count.fill(samples);
    play(made, (turn) => turn === 8, fill);
    const signal = await playBeside(made, server().killServer(), fill);
    expect(signal).toBe(DeviceSignal.lost);
    expect(made.health[deviceHealth.lostReason]).toBe(LostReason.serverGone);
    expect(made.unplayedFrames).toBeGreaterThan(0);
    expect(codeOf(() => made.open())).toMatch(/^TENUTO_DEVICE_LOST/);
    await server().startServer();
    made.open();
    expect(
      play(
        made,
        (turn) => turn === 8,
        (samples) => samples,
      ),
    ).not.toBe(DeviceSignal.lost);
  });

  it('is lost when it takes what it is given and stands still', () => {
    const made = device('pipewire:hall');
    made.open();
    play(
      made,
      (turn) => turn === 8,
      (samples) => samples,
    );
    const pid = server().pid('pipewire');
    process.kill(pid, 'SIGSTOP');
    try {
      expect(
        play(
          made,
          () => false,
          (samples) => samples,
        ),
      ).toBe(DeviceSignal.lost);
      expect(made.health[deviceHealth.lostReason]).toBe(LostReason.stalled);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  it('runs dry when it is given nothing for too long, and goes on', async () => {
    const made = device('pipewire:hall', { bufferQuanta: 2 });
    made.open();
    play(
      made,
      (turn) => turn === 8,
      (samples) => samples,
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(
      play(
        made,
        () => true,
        (samples) => samples,
      ),
    ).toBe(DeviceSignal.xrun);
    expect(
      play(
        made,
        (turn) => turn === 8,
        (samples) => samples,
      ),
    ).not.toBe(DeviceSignal.lost);
  });
});

describe('a device that cannot be had', () => {
  it('says why', () => {
    const code = (error: number) => openError('alsa:x', -error).code;
    expect(code(constants.errno.EBUSY)).toBe('TENUTO_DEVICE_BUSY');
    expect(code(constants.errno.ENOENT)).toBe('TENUTO_DEVICE_UNKNOWN');
    expect(code(constants.errno.EACCES)).toBe('TENUTO_PERMISSION');
    expect(code(constants.errno.ENODEV)).toBe('TENUTO_DEVICE_LOST');
    expect(codeOf(() => device('alsa:nonsense').open())).toMatch(/^TENUTO_DEVICE_UNKNOWN/);
    expect(codeOf(() => device('alsa:hw:CARD=None').open())).toMatch(/^TENUTO_DEVICE/);
    expect(codeOf(() => device('alsa:pipewire:NODE="').open())).toMatch(/^TENUTO_DEVICE_UNKNOWN/);
  });

  it('names the rates that it has, and takes its own where that is allowed', () => {
    const name = 'alsa:pipewire:NODE=hall,RATE=44100';
    expect(codeOf(() => device(name).open())).toBe(
      `TENUTO_DEVICE_RATE: ${name} refuses 48000 Hz; it runs at 44100 Hz`,
    );
    const made = device(name, { acceptRate: true });
    made.open();
    expect(made.rateHz).toBe(44_100);
    expect(made.health[deviceHealth.deviceRateHz]).toBe(44_100);
  });

  it('says that the library is not there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenuto-alsa-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'libasound.so.2'), 'not a library');
    const os = new URL('../../../dist/os/index.js', import.meta.url);
    const source = `import { openPcm } from ${JSON.stringify(fileURLToPath(os))};
      try { openPcm('null', 'playback', 64); } catch (error) { console.log(error.code); }`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
      env: { ...process.env, LD_LIBRARY_PATH: folder },
      encoding: 'utf8',
    });
    expect(stdout.trim()).toBe('TENUTO_DEVICE_NO_ALSA');
  });
});

it('a file holds what was played', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenuto-alsa-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'played.raw');
  const made = device(`alsa:file:${path},raw`);
  made.open();
  const count = new Count();
  play(
    made,
    (turn) => turn === 100,
    (samples) => count.fill(samples),
  );
  made.close();
  const bytes = readFileSync(path);
  const samples = new Float32Array(Uint8Array.from(bytes).buffer);
  const counts = [...samples].filter((sample) => sample > 0).map((x) => x * Count.scale);
  expect(counts).toEqual(countTo(100 * quantum));
});

describe('names', () => {
  it('become those of PCMs, quoted', () => {
    const pipewire = () => 'pipewire' as const;
    expect(pcmNameOf('alsa:hw:CARD=PCH,DEV=0').pcm).toBe('hw:CARD=PCH,DEV=0');
    expect(pcmNameOf('pipewire:a,"b\\', pipewire).pcm).toBe('pipewire:NODE="a,\\"b\\\\"');
    expect(pcmNameOf('pipewire:a', () => 'pulse').pcm).toBe('pulse:DEVICE="a"');
    expect(pcmNameOf('pipewire:a.monitor', pipewire).listensToSink).toBe(true);
    expect(codeOf(() => pcmNameOf('pipewire:'))).toMatch(/^TENUTO_DEVICE_UNKNOWN/);
  });

  it('leave the properties that the user has set', () => {
    const none = { stays: false, listensToSink: false };
    expect(streamProperties('{ a = b }', none)).toBe('{ a = b }');
    expect(streamProperties('a = b', { ...none, stays: true })).toBe(
      '{ a = b node.dont-reconnect = true }',
    );
  });
});
