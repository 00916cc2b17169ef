import { describe, expect, it, onTestFinished } from 'vitest';
import { serverOfFile } from '../../test/kit/sound-server.js';
import { DeviceCatalogue } from './catalogue/catalogue.js';
import { DevicePolicy, type EngineDevice, type ValidDevice } from './policy.js';

const server = serverOfFile({ name: 'speakers' }, { name: 'headset', rate: 44_100 });

/**
 * Catalogue and policy together, as the engine's steward has them, and in place of the engine one
 * that opens what it is told and loses it when it goes.
 */
class Steward {
  readonly opened: string[] = [];
  playing: ValidDevice | null = null;
  readonly #policy: DevicePolicy;
  readonly #catalogue: DeviceCatalogue;
  #order: EngineDevice['order'] = null;
  #timer: NodeJS.Timeout | undefined;
  #told = () => {};

  constructor(preferred: string[]) {
    this.#policy = new DevicePolicy({
      preferred,
      queryCooldownSec: 0.5,
      maxRecreatePerMinute: 100,
      graceSec: 0.1,
      debounceMs: 30,
    });
    this.#catalogue = new DeviceCatalogue({
      env: server().environment,
      alsa: { proc: '/nowhere/proc', dev: '/nowhere/dev' },
      onEvent: ({ kind }) => {
        if (kind === 'query-failed') this.#policy.queryFailed(performance.now());
        else this.#see();
      },
    });
  }

  async start(): Promise<void> {
    await this.#catalogue.ready();
    this.#see();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#catalogue.close();
  }

  /** The device stops, as it does for a driver when its sink or the server goes. */
  async lose(): Promise<void> {
    this.playing = null;
    this.#decide();
    await this.#catalogue.refresh();
    this.#see();
  }

  /** Settles when this is what plays. */
  async plays(name: string | null): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#told = () => (this.playing?.name ?? null) === name && resolve();
      this.#told();
    });
  }

  #see(): void {
    const { view } = this.#catalogue;
    this.#policy.see(view, performance.now());
    const name = this.playing?.name;
    if (name !== undefined && !view.devices.some((device) => device.name === name)) {
      this.playing = null;
    }
    this.#decide();
  }

  #decide(): void {
    for (;;) {
      this.#policy.engine({ playing: this.playing, order: this.#order }, performance.now());
      this.#told();
      const decision = this.#policy.decide(performance.now());
      if (decision.action === 'wait') {
        clearTimeout(this.#timer);
        const waitMs = Math.min(decision.untilMs - performance.now(), 2 ** 30);
        this.#timer = setTimeout(() => this.#decide(), Math.max(1, waitMs));
        return;
      }
      const { device, sequence, rateHz } = decision;
      const isThere = this.#catalogue.view.devices.some(({ name }) => name === device.name);
      expect(isThere).toBe(true);
      this.opened.push(device.name);
      this.playing = { name: device.name, rateHz: rateHz ?? 48_000 };
      this.#order = { sequence, state: 'open' };
    }
  }
}

async function steward(...preferred: string[]): Promise<Steward> {
  const made = new Steward(preferred);
  onTestFinished(() => made.close());
  await made.start();
  return made;
}

describe('the policy on a real server', () => {
  it('follows ten changes of the default by ten recreations', async () => {
    const followed = await steward('default');
    await followed.plays('pipewire:speakers');
    for (let round = 0; round < 5; round++) {
      for (const name of ['headset', 'speakers']) {
        await server().setDefaultSink(name);
        await followed.plays(`pipewire:${name}`);
      }
    }
    expect(followed.opened).toHaveLength(11);
    expect(followed.playing?.rateHz).toBe(48_000);
  });

  it('falls back when the preferred one goes, and takes it back', async () => {
    const engine = await steward('pipewire:headset', 'default');
    await engine.plays('pipewire:headset');
    await server().removeSink('headset');
    await engine.plays('pipewire:speakers');
    await server().addSink({ name: 'headset', rate: 44_100 });
    await engine.plays('pipewire:headset');
    expect(engine.opened).toEqual(['pipewire:headset', 'pipewire:speakers', 'pipewire:headset']);
  });

  it('waits for one that is alone, and opens nothing else meanwhile', async () => {
    const engine = await steward('pipewire:headset');
    await engine.plays('pipewire:headset');
    await server().removeSink('headset');
    await engine.plays(null);
    await server().addSink({ name: 'headset', rate: 44_100 });
    await engine.plays('pipewire:headset');
    expect(engine.opened).toHaveLength(2);
  });

  it('opens again when the server is back, once each time', async () => {
    const waiting = await steward('pipewire:speakers');
    for (let round = 1; round <= 3; round++) {
      await waiting.plays('pipewire:speakers');
      expect(waiting.opened).toHaveLength(round);
      await server().killServer();
      await waiting.lose();
      await waiting.plays(null);
      await server().startServer();
    }
    await waiting.plays('pipewire:speakers');
    expect(waiting.opened).toHaveLength(4);
  });
});
