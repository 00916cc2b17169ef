import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AlsaWatch, listAlsa } from './alsa-list.js';
import { DeviceCatalogue } from './catalogue.js';
import type { DeviceEvent } from './model.js';

/** What the kernel shows of an internal card and a USB one, as seen on a laptop. */
const kernelFiles = {
  cards: ` 0 [PCH            ]: HDA-Intel - HDA Intel PCH
                      HDA Intel PCH at 0xf7310000 irq 32
 1 [Scarlett       ]: USB-Audio - Scarlett 2i2 USB
                      Focusrite Scarlett 2i2 USB at usb-0000:00:14.0-2, high speed
`,
  pcm: `00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1
00-03: HDMI 0 : HDMI 0 : playback 1
01-00: USB Audio : USB Audio : playback 1 : capture 1
`,
  'card0/pcm0p/sub0/hw_params': `access: RW_INTERLEAVED
format: S32_LE
subformat: STD
channels: 2
rate: 44100 (44100/1)
period_size: 441
`,
  'card0/pcm0c/sub0/hw_params': 'closed\n',
  'card1/stream0': `Focusrite Scarlett 2i2 USB at usb-0000:00:14.0-2, high speed : USB Audio

Playback:
  Status: Stop
  Interface 1
    Altset 1
    Format: S32_LE
    Channels: 4
    Endpoint: 1 OUT (ASYNC)
    Rates: 44100, 48000, 88200, 96000

Capture:
  Status: Stop
  Interface 2
    Altset 1
    Format: S32_LE
    Channels: 2
    Rates: 44100, 48000
`,
};

function machine(files: Record<string, string> = {}) {
  const root = mkdtempSync(join(tmpdir(), 'tenuto-alsa-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const places = { proc: join(root, 'proc'), dev: join(root, 'dev/snd') };
  mkdirSync(join(root, 'dev'));
  const write = (written: Record<string, string>) => {
    for (const [name, text] of Object.entries(written)) {
      const path = join(places.proc, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  };
  write(files);
  return { places, write };
}

describe('the sound cards of the kernel', () => {
  it('are none on a machine without sound', () => {
    expect(listAlsa(machine().places)).toEqual([]);
  });

  it('are named by what they call themselves, with what they say of their rates', () => {
    const devices = listAlsa(machine(kernelFiles).places);
    expect(devices.map(({ name }) => name)).toEqual([
      'alsa:default',
      'alsa:hw:CARD=PCH,DEV=0',
      'alsa:hw:CARD=PCH,DEV=3',
      'alsa:hw:CARD=Scarlett,DEV=0',
    ]);
    expect(devices[1]).toMatchObject({
      description: 'HDA Intel PCH, ALC257 Analog',
      outputs: 2,
      inputs: 2,
      rateHz: 44_100,
      inUse: true,
    });
    expect(devices[2]).toMatchObject({ outputs: 2, inputs: 0, inUse: false, rateHz: null });
    expect(devices[3]).toMatchObject({
      outputs: 4,
      inputs: 2,
      ratesHz: [44_100, 48_000, 88_200, 96_000],
    });
  });

  it('are passed over where the kernel writes what nobody knows', () => {
    const { places } = machine({ cards: '--- no soundcards ---\n', pcm: 'x\n00-00\n9-9: a : b\n' });
    expect(listAlsa(places)).toEqual([]);
  });
});

describe('a card that comes and goes', () => {
  it('is an event, with the folder of the devices or without', async () => {
    const { places, write } = machine();
    const events: DeviceEvent[] = [];
    let told = () => {};
    using catalogue = new DeviceCatalogue({
      env: { XDG_RUNTIME_DIR: places.dev },
      alsa: places,
      onEvent: (event) => {
        events.push(event);
        told();
      },
    });
    await catalogue.ready();
    const until = (holds: () => boolean) =>
      new Promise<void>((resolve) => {
        told = () => holds() && resolve();
        told();
      });
    for (let round = 0; round < 2; round++) {
      const isThere = () => catalogue.view.devices.some(({ name }) => name.includes('PCH'));
      write(kernelFiles);
      mkdirSync(places.dev);
      writeFileSync(join(places.dev, 'pcmC0D0p'), '');
      await until(isThere);
      expect(catalogue.view.devices.find((one) => one.isDefault)?.name).toBe('alsa:default');
      write({ cards: '', pcm: '' });
      rmSync(places.dev, { recursive: true });
      await until(() => !isThere());
      expect(catalogue.view.devices.find((one) => one.isDefault)?.name).toBe('virtual');
    }
    expect(new Set(events.map(({ kind }) => kind))).toEqual(
      new Set(['added', 'removed', 'default-changed']),
    );
  });

  it('is told of no more after the end', () => {
    const watch = new AlsaWatch(() => expect.unreachable(), machine().places);
    watch.close();
    watch.close();
  });
});
