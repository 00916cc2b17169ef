import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DeviceInfo, type DeviceView, virtualDevice } from './catalogue/model.js';
import { type Decision, DevicePolicy, type PolicySettings, type ValidDevice } from './policy.js';

const nodes = ['a', 'b', 'c', 'd'] as const;
const nameOf = (node: string) => `pipewire:${node}`;

/** What may happen to the sound server, to the engine and to the questions between them. */
const happening = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add'), node: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove'), node: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('default'), node: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gone') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('back') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('queryFailed') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lose') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refuse'), times: fc.nat(4) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('pass'),
      ms: fc.oneof(fc.nat(40), fc.nat(1000), fc.nat(20_000)),
    }),
  },
) as fc.Arbitrary<Happening>;

type Happening =
  | { kind: 'add' | 'remove' | 'default'; node: number }
  | { kind: 'gone' | 'back' | 'queryFailed' | 'lose' }
  | { kind: 'refuse'; times: number }
  | { kind: 'pass'; ms: number };

const preference = fc.uniqueArray(fc.constantFrom('default', ...nodes.map(nameOf)), {
  minLength: 1,
  maxLength: 3,
});

const policySettings: fc.Arbitrary<PolicySettings> = fc.record({
  preferred: preference,
  queryCooldownSec: fc.constantFrom(0.5, 2, 10),
  maxRecreatePerMinute: fc.constantFrom(1, 3, 10),
  graceSec: fc.constantFrom(0, 3, 20),
  debounceMs: fc.constantFrom(0, 250, 2000),
});

const openMs = 20;

/** A sound server, an engine that opens what it is told after a while, and time. */
class World {
  readonly policy: DevicePolicy;
  nowMs = 0;
  readonly openedAtMs: number[] = [];
  /** The limit or a failure has held something up since it was last quiet. */
  heldUp = false;
  #server = true;
  #epoch = 1;
  #instances = 0;
  #sinks = new Map<string, number>([['a', 0]]);
  /** Since when each sink has been there, and what is the default has been it. */
  #sinceMs = new Map<string, number>([['a', 0]]);
  #defaultSinceMs = 0;
  #default: string | null = 'a';
  #playing: ValidDevice | null = null;
  #everReal = false;
  #order: { sequence: number; name: string; endMs: number } | null = null;
  #outcome: { sequence: number; state: 'opening' | 'open' | 'failed' } | null = null;
  #refusals = 0;

  constructor(readonly settings: PolicySettings) {
    this.policy = new DevicePolicy(settings);
    this.#look();
  }

  get playing(): string | null {
    return this.#playing?.name ?? null;
  }

  /** What the preferences come to now; null when nothing of it is there. */
  get best(): string | null {
    for (const name of this.settings.preferred) {
      const found = name === 'default' ? this.#defaultName() : name;
      if (found !== null && this.#isThere(found)) return found;
    }
    return null;
  }

  #defaultName(): string | null {
    if (this.#server && this.#default !== null) return nameOf(this.#default);
    return this.#everReal ? null : 'virtual';
  }

  #isThere(name: string): boolean {
    return name === 'virtual' || (this.#server && this.#sinks.has(name.replace('pipewire:', '')));
  }

  #view(): DeviceView {
    const devices: DeviceInfo[] = [];
    for (const [node, instance] of this.#server ? this.#sinks : []) {
      const isDefault = node === this.#default;
      const name = nameOf(node);
      devices.push({ ...virtualDevice, name, server: 'pipewire', instance, isDefault });
    }
    return {
      server: this.#server ? { kind: 'pipewire', name: '' } : null,
      serverEpoch: this.#epoch,
      devices: [...devices, { ...virtualDevice, isDefault: this.#default === null }],
      cards: [],
    };
  }

  /** A question that is answered as it was before, as it comes when something else changes. */
  lookAgain(): void {
    this.#look();
    this.#settle();
  }

  #look(): void {
    this.policy.see(this.#view(), this.nowMs);
  }

  happen(what: Happening): void {
    const node = 'node' in what ? nodes[what.node]! : '';
    if (what.kind === 'pass') this.pass(what.ms);
    const defaultBefore = `${this.#default} ${this.#sinks.get(this.#default ?? '')} ${this.#epoch}`;
    if (what.kind === 'add' && !this.#sinks.has(node)) {
      this.#sinks.set(node, ++this.#instances);
      this.#sinceMs.set(node, this.nowMs);
    }
    if (what.kind === 'remove') this.#sinks.delete(node);
    if (what.kind === 'default' && this.#sinks.has(node)) this.#default = node;
    if (what.kind === 'gone') this.#server = false;
    if (what.kind === 'back' && !this.#server) {
      this.#server = true;
      this.#epoch++;
      for (const one of nodes) this.#sinceMs.set(one, this.nowMs);
    }
    if (this.#default === null || !this.#sinks.has(this.#default)) {
      this.#default = [...this.#sinks.keys()][0] ?? null;
    }
    const defaultNow = `${this.#default} ${this.#sinks.get(this.#default ?? '')} ${this.#epoch}`;
    if (defaultNow !== defaultBefore) this.#defaultSinceMs = this.nowMs;
    if (what.kind === 'refuse') this.#refusals = what.times;
    if (what.kind === 'lose') this.#playing = null;
    if (what.kind === 'queryFailed') {
      this.policy.queryFailed(this.nowMs);
      this.heldUp = true;
    } else if (what.kind !== 'lose' && what.kind !== 'refuse' && what.kind !== 'pass') {
      this.#look();
    }
    if (this.playing !== null && !this.#isThere(this.playing)) this.#playing = null;
    this.#settle();
  }

  #settle(): Decision & { action: 'wait' } {
    for (let round = 0; round < 20; round++) {
      this.policy.engine({ playing: this.#playing, order: this.#outcome }, this.nowMs);
      const decision = this.policy.decide(this.nowMs);
      if (decision.action === 'wait') {
        if (decision.reason === 'limit' || decision.reason === 'cooldown') this.heldUp = true;
        return decision;
      }
      expect(this.#order, 'one order at a time').toBeNull();
      expect(this.#isThere(decision.device.name), `${decision.device.name} is there`).toBe(true);
      const { graceSec, debounceMs } = this.settings;
      if (decision.reason === 'default-changed') {
        expect(this.nowMs - this.#defaultSinceMs, 'it stayed').toBeGreaterThanOrEqual(debounceMs);
      } else if (decision.reason === 'preferred-back') {
        const sinceMs = this.#sinceMs.get(decision.device.name.replace('pipewire:', '')) ?? 0;
        expect(this.nowMs - sinceMs, 'it is back').toBeGreaterThanOrEqual(graceSec * 1000);
      }
      if (decision.reason !== 'first') this.openedAtMs.push(this.nowMs);
      const { sequence, device } = decision;
      this.#order = { sequence, name: device.name, endMs: this.nowMs + openMs };
      this.#outcome = { sequence, state: 'opening' };
    }
    throw new Error('it decides for ever');
  }

  #finishOrder(): void {
    const order = this.#order!;
    this.#order = null;
    const works = this.#refusals === 0 && this.#isThere(order.name);
    if (this.#refusals > 0) this.#refusals--;
    if (works) {
      this.#playing = { name: order.name, rateHz: 48_000 };
      this.#everReal ||= order.name !== 'virtual';
    } else {
      this.heldUp = true;
    }
    this.#outcome = { sequence: order.sequence, state: works ? 'open' : 'failed' };
  }

  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    const stepsMax = 1000 + ms / (this.settings.queryCooldownSec * 1000);
    for (let steps = 0; ; steps++) {
      expect(steps, 'wakes seldom').toBeLessThan(stepsMax);
      const { untilMs } = this.#settle();
      const nextMs = Math.min(untilMs, this.#order?.endMs ?? Number.POSITIVE_INFINITY);
      if (nextMs > endMs) break;
      expect(nextMs, 'time goes on').toBeGreaterThan(this.nowMs - 1e-9);
      this.nowMs = nextMs;
      if (this.#order !== null && this.#order.endMs <= this.nowMs) this.#finishOrder();
    }
    this.nowMs = endMs;
  }
}

describe('the device policy, whatever happens', () => {
  it('keeps the limit, opens what is there only, and comes to the best device', () => {
    fc.assert(
      fc.property(
        policySettings,
        fc.array(happening, { maxLength: 80 }),
        (settings, happenings) => {
          const world = new World(settings);
          for (const what of happenings) world.happen(what);
          // Twice the longest pause, and a minute for the limit.
          world.heldUp = false;
          const { graceSec, debounceMs } = settings;
          const soonMs = Math.max(graceSec * 1000, debounceMs) + 100 + openMs;
          for (let i = 0; i < 10; i++) {
            world.lookAgain();
            world.pass(soonMs / 10);
          }
          const best = world.best;
          if (!world.heldUp && best !== null) expect(world.playing).toBe(best);
          world.pass(400_000);
          if (world.best !== null) expect(world.playing).toBe(world.best);
          world.openedAtMs.forEach((atMs, index) => {
            const within = world.openedAtMs.slice(index).filter((one) => one - atMs < 60_000);
            expect(within.length).toBeLessThanOrEqual(settings.maxRecreatePerMinute);
          });
        },
      ),
      { numRuns: 400 },
    );
  });
});
