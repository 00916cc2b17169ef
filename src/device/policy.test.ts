import { describe, expect, it } from 'vitest';
import type { DeviceInfo, DeviceView } from './catalogue/model.js';
import { virtualDevice } from './catalogue/model.js';
import { type Decision, DevicePolicy, type PolicySettings } from './policy.js';

const settings: PolicySettings = {
  preferred: ['default'],
  queryCooldownSec: 2,
  maxRecreatePerMinute: 10,
  graceSec: 3,
  debounceMs: 250,
};

function sink(node: string, more: Partial<DeviceInfo> = {}): DeviceInfo {
  return {
    ...virtualDevice,
    name: `pipewire:${node}`,
    rateHz: 48_000,
    server: 'pipewire',
    isDefault: false,
    instance: 1,
    ...more,
  };
}

/** A server with these sinks, the first of which is the default; `null` is no server. */
function view(nodes: (string | DeviceInfo)[] | null, serverEpoch = 1): DeviceView {
  const devices = (nodes ?? []).map((node, index) => ({
    ...(typeof node === 'string' ? sink(node) : node),
    isDefault: index === 0,
  }));
  return {
    server: nodes === null ? null : { kind: 'pipewire', name: 'PulseAudio (on PipeWire 1)' },
    serverEpoch,
    devices: [...devices, { ...virtualDevice, isDefault: devices.length === 0 }],
    cards: [],
  };
}

/** A policy, and an engine that does at once what it is told and whose device can be lost. */
class Bench {
  readonly policy: DevicePolicy;
  playing: { name: string; rateHz: number } | null = null;
  last: Decision | null = null;
  opened: string[] = [];
  /** What the next orders come to. */
  outcome: 'open' | 'failed' = 'open';
  nowMs = 0;

  constructor(more: Partial<PolicySettings> = {}) {
    this.policy = new DevicePolicy({ ...settings, ...more });
  }

  /** Decides until nothing is to be done at this time. */
  run(): Decision {
    for (let round = 0; round < 100; round++) {
      this.last = this.policy.decide(this.nowMs);
      if (this.last.action === 'wait') return this.last;
      const { sequence, device } = this.last;
      this.opened.push(device.name);
      if (this.outcome === 'open') this.playing = { name: device.name, rateHz: 48_000 };
      this.policy.engine(
        { playing: this.playing, order: { sequence, state: this.outcome } },
        this.nowMs,
      );
    }
    throw new Error('it decides for ever');
  }

  see(nodes: Parameters<typeof view>[0], epoch?: number): Decision {
    this.policy.see(view(nodes, epoch), this.nowMs);
    return this.run();
  }

  lose(): Decision {
    this.playing = null;
    this.policy.engine({ playing: null, order: null }, this.nowMs);
    return this.run();
  }

  /** Lets time pass, waking at each time that a decision names. */
  pass(ms: number): Decision {
    const endMs = this.nowMs + ms;
    let decision = this.run();
    while (decision.action === 'wait' && decision.untilMs <= endMs) {
      this.nowMs = Math.max(this.nowMs, decision.untilMs);
      decision = this.run();
    }
    this.nowMs = endMs;
    return this.run();
  }
}

describe('following the default', () => {
  it('opens it at once at first, and the next one when it has stayed for the debounce time', () => {
    const bench = new Bench();
    bench.see(['a', 'b']);
    expect(bench.opened).toEqual(['pipewire:a']);
    expect(bench.see(['b', 'a'])).toMatchObject({ reason: 'debounce', untilMs: 250 });
    expect(bench.pass(249)).toMatchObject({ reason: 'debounce', name: 'pipewire:b' });
    expect(bench.pass(1)).toMatchObject({ reason: 'settled' });
    expect(bench.opened).toEqual(['pipewire:a', 'pipewire:b']);
  });

  it('does nothing about a default that changes back within that time', () => {
    const bench = new Bench();
    bench.see(['a', 'b']);
    for (let round = 0; round < 50; round++) {
      bench.see(round % 2 === 0 ? ['b', 'a'] : ['a', 'b']);
      bench.pass(100);
    }
    expect(bench.opened).toEqual(['pipewire:a']);
  });

  it('makes ten switches with ten recreations', () => {
    const bench = new Bench();
    bench.see(['a', 'b']);
    for (let round = 0; round < 10; round++) {
      bench.see(round % 2 === 0 ? ['b', 'a'] : ['a', 'b']);
      bench.pass(2000);
    }
    expect(bench.opened).toHaveLength(11);
  });

  it('does not wait when the old default is gone', () => {
    const bench = new Bench();
    bench.see(['a', 'b']);
    bench.see(['b']);
    expect(bench.opened).toEqual(['pipewire:a', 'pipewire:b']);
  });

  it('takes the virtual device only where there never was another', () => {
    const bench = new Bench();
    bench.see(null);
    expect(bench.opened).toEqual(['virtual']);
    bench.see(['a']);
    bench.pass(300);
    expect(bench.opened).toEqual(['virtual', 'pipewire:a']);
    bench.see(null);
    bench.lose();
    bench.pass(600_000);
    expect(bench.opened).toHaveLength(2);
  });

  it('passes the dummy of a server without devices by', () => {
    const bench = new Bench();
    bench.see(['a']);
    bench.policy.see(
      { ...view([]), devices: [sink('auto_null', { state: 'dummy' }), virtualDevice] },
      bench.nowMs,
    );
    bench.lose();
    expect(bench.pass(60_000)).toMatchObject({ reason: 'absent', name: 'pipewire:a' });
    expect(bench.opened).toEqual(['pipewire:a']);
  });
});

describe('a list of preferred devices', () => {
  const preferred = ['pipewire:headset', 'pipewire:speakers', 'default'];

  it('goes down the list when one is lost, and up again after the grace time', () => {
    const bench = new Bench({ preferred });
    bench.see(['hdmi', 'speakers', 'headset']);
    bench.see(['hdmi', 'speakers']);
    expect(bench.opened).toEqual(['pipewire:headset', 'pipewire:speakers']);
    expect(bench.see(['hdmi', 'speakers', 'headset'])).toMatchObject({ reason: 'grace' });
    bench.pass(2999);
    expect(bench.opened).toHaveLength(2);
    expect(bench.pass(1)).toMatchObject({ reason: 'settled', name: 'pipewire:headset' });
  });

  it('begins the grace time anew with each return', () => {
    const bench = new Bench({ preferred });
    bench.see(['hdmi', 'speakers']);
    for (let round = 0; round < 20; round++) {
      bench.see(['hdmi', 'speakers', 'headset']);
      bench.pass(2000);
      bench.see(['hdmi', 'speakers']);
      bench.pass(500);
    }
    expect(bench.opened).toEqual(['pipewire:speakers']);
  });

  it('does not leave a device that plays for one lower down', () => {
    const bench = new Bench({ preferred });
    bench.see(['hdmi', 'speakers', 'headset']);
    bench.see(['speakers', 'headset']);
    bench.pass(60_000);
    expect(bench.opened).toEqual(['pipewire:headset']);
  });

  it('passes what is not plugged in by, unless there is nothing else', () => {
    const unplugged = sink('headset', { state: 'unplugged' });
    const bench = new Bench({ preferred });
    bench.see(['hdmi', 'speakers', 'headset']);
    bench.see(['hdmi', 'speakers', unplugged]);
    expect(bench.opened).toEqual(['pipewire:headset', 'pipewire:speakers']);
    const alone = new Bench({ preferred: ['pipewire:headset'] });
    alone.see(['hdmi', unplugged]);
    expect(alone.opened).toEqual(['pipewire:headset']);
  });

  it('knows a node of the server under either prefix', () => {
    const bench = new Bench({ preferred: ['pulse:headset'] });
    bench.see(['hdmi', 'headset']);
    expect(bench.opened).toEqual(['pipewire:headset']);
    expect(bench.pass(60_000)).toMatchObject({ reason: 'settled' });
  });

  it('takes what ALSA knows and no list shows at its word', () => {
    const bench = new Bench({ preferred: ['alsa:hw:CARD=PCH', 'alsa:null'] });
    bench.see(null);
    expect(bench.opened).toEqual(['alsa:null']);
  });
});

describe('the hardening rules', () => {
  it('1: a device counts as playing only when the engine says so, not when it is ordered', () => {
    const bench = new Bench();
    bench.policy.see(view(['a']), 0);
    expect(bench.policy.decide(0)).toMatchObject({ action: 'open', sequence: 1, reason: 'first' });
    expect(bench.policy.decide(1)).toMatchObject({ action: 'wait', reason: 'opening' });
    bench.policy.engine({ playing: null, order: { sequence: 1, state: 'opening' } }, 2);
    expect(bench.policy.memory.lastValid).toBeNull();
    bench.policy.engine(
      { playing: { name: 'pipewire:a', rateHz: 44_100 }, order: { sequence: 1, state: 'open' } },
      3,
    );
    expect(bench.policy.decide(3)).toMatchObject({ reason: 'settled' });
    expect(bench.policy.memory.lastValid).toEqual({ name: 'pipewire:a', rateHz: 44_100 });
  });

  it('4: not found means wait and look again, and never open anything', () => {
    const bench = new Bench({ preferred: ['pipewire:a'] });
    expect(bench.see(['b'])).toMatchObject({ reason: 'absent', untilMs: 2000 });
    bench.pass(600_000);
    expect(bench.opened).toEqual([]);
    bench.see(['b', 'a']);
    expect(bench.opened).toEqual(['pipewire:a']);
  });

  it('4: a failed query forgets nothing and begins nothing', () => {
    const bench = new Bench();
    bench.see(['a']);
    bench.policy.queryFailed(bench.nowMs);
    expect(bench.run()).toMatchObject({ reason: 'cooldown', untilMs: 2000 });
    expect(bench.lose()).toMatchObject({ action: 'wait' });
    expect(bench.policy.memory.lastValid).toMatchObject({ name: 'pipewire:a', rateHz: 48_000 });
    bench.pass(1999);
    expect(bench.opened).toHaveLength(1);
    bench.pass(1);
    expect(bench.opened).toEqual(['pipewire:a', 'pipewire:a']);
  });

  it('4: a device that does not open is tried again ever more seldom, or as soon as it is new', () => {
    const bench = new Bench({ preferred: ['pipewire:a'] });
    bench.outcome = 'failed';
    expect(bench.see(['a'])).toMatchObject({ reason: 'cooldown', untilMs: 2000 });
    expect(bench.pass(2000)).toMatchObject({ reason: 'cooldown', untilMs: 6000 });
    bench.pass(58_000);
    expect(bench.opened.length).toBeLessThanOrEqual(6);
    bench.outcome = 'open';
    bench.see([]);
    bench.see(['b', sink('a', { instance: 2 })]);
    expect(bench.playing?.name).toBe('pipewire:a');
  });

  it('6: no more than so many recreations in any minute, and it says that it waits', () => {
    const bench = new Bench({ maxRecreatePerMinute: 3 });
    bench.see(['a', 'b']);
    for (let round = 0; round < 6; round++) {
      bench.see(round % 2 === 0 ? ['b', 'a'] : ['a', 'b']);
      bench.pass(1000);
    }
    expect(bench.opened).toHaveLength(4);
    // The fourth change went back to where it was, so it takes one more to have something to do.
    expect(bench.see(['a', 'b'])).toMatchObject({ action: 'wait' });
    expect(bench.pass(1000)).toMatchObject({ reason: 'limit', name: 'pipewire:a' });
    bench.pass(60_000);
    expect(bench.opened).toHaveLength(5);
  });
});

describe('loss', () => {
  it('opens the device again as soon as it is known to be there', () => {
    const bench = new Bench();
    bench.see(['a']);
    expect(bench.lose()).toMatchObject({ reason: 'doubt', untilMs: 50 });
    bench.see(['a']);
    expect(bench.opened).toEqual(['pipewire:a', 'pipewire:a']);
  });

  it('does not wait longer for the answer than it is worth', () => {
    const bench = new Bench();
    bench.see(['a']);
    bench.lose();
    bench.pass(50);
    expect(bench.opened).toHaveLength(2);
  });

  it('lets a device that is lost again and again stay for longer each time', () => {
    const bench = new Bench();
    bench.see(['a', 'b']);
    for (let round = 0; round < 3; round++) {
      bench.lose();
      bench.see(['a', 'b']);
    }
    expect(bench.opened).toHaveLength(2);
    expect(bench.last).toMatchObject({ reason: 'debounce', untilMs: 250 });
  });

  it('opens at once when the server is back, however often it went', () => {
    const bench = new Bench();
    bench.see(['a']);
    for (let epoch = 2; epoch <= 11; epoch++) {
      bench.see(null);
      bench.lose();
      bench.pass(3000);
      bench.see(['a'], epoch);
      expect(bench.opened).toHaveLength(epoch);
    }
  });

  it('takes up an order that was given before its own time', () => {
    const bench = new Bench();
    bench.policy.see(view(['a']), 0);
    bench.policy.engine({ playing: null, order: { sequence: 7, state: 'opening' } }, 0);
    expect(bench.policy.decide(0)).toMatchObject({ reason: 'opening' });
    bench.policy.engine({ playing: null, order: { sequence: 7, state: 'failed' } }, 1);
    expect(bench.policy.decide(1)).toMatchObject({ action: 'open', sequence: 8 });
  });
});

describe('a device that has stalled', () => {
  const lose = (policy: DevicePolicy, nowMs: number) =>
    policy.engine({ playing: null, hasStalled: true, order: null }, nowMs);

  it('is not tried again before any other one, and is taken back later', () => {
    const policy = new DevicePolicy({ ...settings, preferred: ['pipewire:a', 'virtual'] });
    policy.see(view(['a']), 0);
    policy.engine({ playing: { name: 'pipewire:a', rateHz: 48_000 }, order: null }, 0);
    lose(policy, 1000);
    const first = policy.decide(1000);
    expect(first).toMatchObject({ action: 'open', device: { name: 'virtual' } });
    const order = { sequence: 1, state: 'open' } as const;
    policy.engine({ playing: { name: 'virtual', rateHz: 48_000 }, order }, 1010);
    expect(policy.decide(4000)).toMatchObject({ action: 'open', device: { name: 'pipewire:a' } });
  });

  it('is tried again at once where there is no other', () => {
    const policy = new DevicePolicy({ ...settings, preferred: ['pipewire:a'] });
    policy.see(view(['a']), 0);
    policy.engine({ playing: { name: 'pipewire:a', rateHz: 48_000 }, order: null }, 0);
    lose(policy, 1000);
    expect(policy.decide(1000)).toMatchObject({ action: 'open', device: { name: 'pipewire:a' } });
  });
});

describe('what the preferences meant at the start', () => {
  it('makes a default that has changed since no preferred device that is back', () => {
    const policy = new DevicePolicy(settings, { meant: ['pipewire:a'] });
    policy.engine({ playing: { name: 'pipewire:a', rateHz: 48_000 }, order: null }, 0);
    policy.see(view(['b', 'a']), 0);
    expect(policy.decide(0)).toMatchObject({ action: 'wait', reason: 'debounce' });
    expect(policy.decide(settings.debounceMs)).toMatchObject({
      action: 'open',
      device: { name: 'pipewire:b' },
      reason: 'default-changed',
    });
  });
});

describe('what is listened to', () => {
  const mic = (instance: number) =>
    sink('mic', { outputs: 0, inputs: 1, isDefaultInput: true, instance });
  const playing = { name: 'pipewire:a', rateHz: 48_000 };

  /** A policy whose device plays and hears the first instance of the microphone. */
  function listening(): DevicePolicy {
    const policy = new DevicePolicy({
      ...settings,
      preferred: ['pipewire:a'],
      capture: 'pipewire:mic',
    });
    policy.engine({ playing, order: null }, 0);
    policy.see(view(['a', mic(7)]), 0);
    policy.engine({ playing, order: null }, 10);
    expect(policy.decide(10)).toMatchObject({ reason: 'settled' });
    return policy;
  }

  it('is opened again with what plays, once it is back and has stayed', () => {
    const policy = listening();
    policy.see(view(['a']), 1000);
    policy.engine({ playing, isDeaf: true, order: null }, 1000);
    expect(policy.decide(1000)).toMatchObject({ reason: 'settled' });
    policy.see(view(['a', mic(8)]), 5000);
    expect(policy.decide(5000)).toMatchObject({ reason: 'debounce', untilMs: 5250 });
    expect(policy.decide(5250)).toMatchObject({
      action: 'open',
      device: { name: 'pipewire:a' },
      reason: 'capture-back',
    });
    const order = { sequence: 1, state: 'open' } as const;
    policy.engine({ playing, order }, 5300);
    expect(policy.decide(5300)).toMatchObject({ reason: 'settled' });
  });

  it('is not opened again and again when it gives nothing, or fails', () => {
    const policy = listening();
    policy.engine({ playing, isDeaf: true, order: null }, 1000);
    expect(policy.decide(9000)).toMatchObject({ reason: 'settled' });
    policy.see(view(['a', mic(8)]), 9000);
    expect(policy.decide(9250)).toMatchObject({ action: 'open' });
    const order = { sequence: 1, state: 'failed' } as const;
    policy.engine({ playing, isDeaf: true, order }, 9300);
    expect(policy.decide(9300)).toMatchObject({ reason: 'settled' });
    expect(policy.decide(99_000)).toMatchObject({ reason: 'settled' });
    policy.see(view(['a', mic(9)]), 100_000);
    expect(policy.decide(100_250)).toMatchObject({ action: 'open' });
  });

  it('does not matter where nothing is listened to', () => {
    const policy = new DevicePolicy({ ...settings, preferred: ['pipewire:a'], capture: null });
    policy.see(view(['a', mic(1)]), 0);
    policy.engine({ playing, isDeaf: true, order: null }, 0);
    policy.see(view(['a', mic(2)]), 1000);
    expect(policy.decide(9000)).toMatchObject({ reason: 'settled' });
  });
});
