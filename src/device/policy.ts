import type { DeviceInfo, DeviceView } from './catalogue/model.js';
import type {
  Decision,
  EngineDevice,
  OpenReason,
  PolicyMemory,
  PolicySettings,
  ValidDevice,
  WaitReason,
} from './decision.js';
import { type Direction, findDevice } from './names.js';

export type * from './decision.js';

type Wait = Extract<Decision, { action: 'wait' }>;

const minuteMs = 60_000;
/** An order without an outcome for so long is over: the engine's own deadlines are far shorter. */
const orderPatienceMs = 10_000;
/** How long one waits to hear whether a lost device is still there; the catalogue takes 2 ms. */
const doubtMs = 50;
/** Longest pause between two tries of a device that fails again and again. */
const cooldownMaxSec = 30;
/** Losses of one device within this time are one flapping device. */
const flapMs = 2500;
/** Losses that are remembered: more than flap in that time. */
const lossesMax = 64;
/** Devices whose failures are remembered: as many as can be preferred, and their defaults. */
const failuresMax = 64;

/** A preference, and what it means at the moment. */
interface Candidate {
  rank: number;
  device: DeviceInfo | undefined;
  /** Since when it has meant just this, this instance of it. */
  sinceMs: number;
  key: string;
}

/** What is listened to at the moment. */
interface Ear {
  sinceMs: number;
  /** This instance of it; empty when it is not there. */
  key: string;
}

interface Order {
  sequence: number;
  name: string;
  rank: number;
  key: string;
  atMs: number;
}

/**
 * Which device to open, and when: a pure state machine over what is fed in, with the time passed in
 * by the caller. It opens nothing itself. Feed it and ask for a decision after each change and at
 * each `untilMs`; a decision to open counts as carried out.
 *
 * It never opens a device that is not there, never more than the limit in any minute, and comes to
 * the best device that there is once all is quiet.
 */
export class DevicePolicy {
  #settings: PolicySettings;
  readonly #direction: Direction;
  #view: DeviceView | null = null;
  #candidates: Candidate[] = [];
  #playing: ValidDevice | null = null;
  /** The preference that what plays was opened for. */
  #playingRank = Number.POSITIVE_INFINITY;
  #lastValid: ValidDevice | null;
  #everPlayed = false;
  readonly #meant: readonly string[];
  #order: Order | null = null;
  #sequence = 0;
  #recreatedAtMs: number[];
  #losses: { name: string; atMs: number; epoch: number }[] = [];
  readonly #failures = new Map<string, { count: number; untilMs: number; key: string }>();
  /** The device that stalled last: until then any other one is better. */
  #stalled: { name: string; untilMs: number } | null = null;
  #ear: Ear = { sinceMs: 0, key: '' };
  /** What was listened to last, or was tried to be: nothing is opened for it once more. */
  #heardKey = '';
  #isDeaf = false;
  #doubtUntilMs = Number.NEGATIVE_INFINITY;
  #queryUntilMs = Number.NEGATIVE_INFINITY;

  constructor(
    settings: PolicySettings,
    memory: Partial<PolicyMemory> = {},
    direction: Direction = 'output',
  ) {
    this.#settings = settings;
    this.#direction = direction;
    this.#lastValid = memory.lastValid ?? null;
    this.#recreatedAtMs = [...(memory.recreatedAtMs ?? [])];
    this.#meant = memory.meant ?? [];
  }

  /** What to give to the next policy when this process is replaced. */
  get memory(): PolicyMemory {
    const recreatedAtMs = [...this.#recreatedAtMs];
    return { lastValid: this.#lastValid, recreatedAtMs, meant: this.#meant };
  }

  /** Other preferences or times, from now on. */
  configure(settings: PolicySettings, nowMs: number): void {
    this.#settings = settings;
    this.#candidates = [];
    this.#resolve(nowMs);
    this.#playingRank = this.#rankOf(this.#playing?.name);
  }

  /** What devices there are, from a question that was answered. */
  see(view: DeviceView, nowMs: number): void {
    this.#view = view;
    this.#doubtUntilMs = Number.NEGATIVE_INFINITY;
    this.#queryUntilMs = Number.NEGATIVE_INFINITY;
    this.#resolve(nowMs);
  }

  /** A question was not answered: nothing that is known is forgotten, and nothing new is begun. */
  queryFailed(nowMs: number): void {
    this.#queryUntilMs = nowMs + this.#settings.queryCooldownSec * 1000;
  }

  /**
   * What the engine says; the same may be said again and again. With an order that is `open` the
   * device has to be what plays, or to have been lost since.
   */
  engine(
    { playing, hasStalled = false, isDeaf = false, order }: EngineDevice,
    nowMs: number,
  ): void {
    this.#isDeaf = isDeaf;
    if (!isDeaf && this.#ear.key !== '') this.#heardKey = this.#ear.key;
    if (order !== null && order.sequence > this.#sequence) this.#adopt(order, nowMs);
    const mine = this.#order;
    if (mine !== null && order?.sequence === mine.sequence && order.state === 'failed') {
      this.#failed(mine, nowMs);
    }
    if (playing !== null) this.#plays(playing);
    else if (this.#playing !== null) this.#lost(hasStalled, nowMs);
    if (mine !== null && order?.sequence === mine.sequence && order.state === 'open') {
      this.#failures.delete(mine.name);
      this.#order = null;
    }
  }

  /** What to do now. */
  decide(nowMs: number): Decision {
    const order = this.#order;
    if (order !== null) {
      const untilMs = order.atMs + orderPatienceMs;
      if (nowMs < untilMs) return wait('opening', untilMs, order.name);
      this.#failed(order, nowMs);
    }
    if (nowMs < this.#doubtUntilMs) return wait('doubt', this.#doubtUntilMs, null);
    if (nowMs < this.#queryUntilMs) return wait('cooldown', this.#queryUntilMs, null);
    const found = this.#choose(nowMs);
    if ('action' in found) return found;
    return this.#open(found, nowMs);
  }

  /** An order that the policy before this one gave. */
  #adopt({ sequence, state }: NonNullable<EngineDevice['order']>, nowMs: number): void {
    this.#sequence = sequence;
    if (state !== 'opening') return;
    this.#order = { sequence, name: '', rank: Number.POSITIVE_INFINITY, key: '', atMs: nowMs };
  }

  #plays(playing: ValidDevice): void {
    const order = this.#order;
    if (playing.name !== this.#playing?.name) {
      this.#playingRank = playing.name === order?.name ? order.rank : this.#rankOf(playing.name);
    }
    this.#playing = playing;
    this.#everPlayed = true;
    // The virtual device is none: it must not stand in for one that is expected back.
    if (playing.name !== 'virtual') this.#lastValid = playing;
  }

  #lost(hasStalled: boolean, nowMs: number): void {
    const { name } = this.#playing!;
    const untilMs = nowMs + this.#settings.queryCooldownSec * 1000;
    this.#stalled = hasStalled ? { name, untilMs } : null;
    this.#playing = null;
    this.#playingRank = Number.POSITIVE_INFINITY;
    this.#losses.push({ name, atMs: nowMs, epoch: this.#view?.serverEpoch ?? 0 });
    if (this.#losses.length > lossesMax) this.#losses.shift();
    // Of one that stalled everybody says that it is there.
    if (!hasStalled) this.#doubtUntilMs = nowMs + doubtMs;
  }

  #failed({ name, rank, key }: Order, nowMs: number): void {
    this.#order = null;
    // What failed was taken away and came back meanwhile: that is another try.
    if (this.#candidates[rank]?.key !== key) return;
    const count = (this.#failures.get(name)?.count ?? 0) + 1;
    const { queryCooldownSec } = this.#settings;
    const longest = Math.max(queryCooldownSec, cooldownMaxSec);
    const pauseSec = Math.min(queryCooldownSec * 2 ** Math.min(count - 1, 16), longest);
    if (this.#failures.size >= failuresMax) this.#failures.clear();
    this.#failures.set(name, { count, untilMs: nowMs + pauseSec * 1000, key });
  }

  #rankOf(name: string | undefined): number {
    if (name === undefined) return Number.POSITIVE_INFINITY;
    const rank = this.#candidates.findIndex(({ device }) => device?.name === name);
    if (rank >= 0) return rank;
    // The default may have changed before anybody looked: what plays is still what it meant.
    const meant = this.#candidates.length === 0 ? -1 : this.#meant.indexOf(name);
    return meant < 0 ? Number.POSITIVE_INFINITY : meant;
  }

  /** What each preference means now, and since when. */
  #resolve(nowMs: number): void {
    const view = this.#view;
    if (view === null) return;
    this.#listen(view, nowMs);
    const found = this.#settings.preferred.map((name) =>
      name === 'default' ? this.#defaultOf(view) : findDevice(name, view, this.#direction),
    );
    // What is not plugged in is taken only when there is nothing better: the server may be wrong.
    const hasPlugged = found.some((device) => device !== undefined && device.state !== 'unplugged');
    this.#candidates = found.map((device, rank) => {
      const usable = device?.state === 'unplugged' && hasPlugged ? undefined : device;
      const key = usable ? `${usable.name} ${usable.instance} ${view.serverEpoch}` : '';
      const before = this.#candidates[rank];
      const sinceMs = before?.key === key ? before.sinceMs : nowMs;
      // A device that came back may well work now.
      if (usable && this.#failures.get(usable.name)?.key !== key)
        this.#failures.delete(usable.name);
      return { rank, device: usable, sinceMs, key };
    });
    if (this.#playingRank === Number.POSITIVE_INFINITY) {
      this.#playingRank = this.#rankOf(this.#playing?.name);
    }
  }

  /** What is there to be listened to now, and since when. */
  #listen(view: DeviceView, nowMs: number): void {
    const { capture } = this.#settings;
    if (!capture || capture === 'virtual') return;
    const device =
      capture === 'default'
        ? view.devices.find(({ isDefaultInput }) => isDefaultInput)
        : findDevice(capture, view, 'input');
    const key = device ? `${device.name} ${device.instance} ${view.serverEpoch}` : '';
    if (key !== this.#ear.key) this.#ear = { sinceMs: nowMs, key };
  }

  /**
   * What is listened to was lost and is there again: what plays is opened once more, with it. Null
   * when nothing is to be done, also for one that was opened and still gives nothing.
   */
  #hearAgain(nowMs: number): Candidate | Wait | null {
    const { key, sinceMs } = this.#ear;
    const view = this.#view;
    if (!this.#isDeaf || key === '' || key === this.#heardKey || view === null) return null;
    const device = findDevice(this.#playing!.name, view, this.#direction);
    if (device === undefined) return null;
    const untilMs = sinceMs + this.#settings.debounceMs;
    if (nowMs < untilMs) return wait('debounce', untilMs, device.name);
    return { rank: this.#playingRank, device, sinceMs, key: '' };
  }

  /**
   * What `default` means: the server's default. Without a server the first card's, but only where
   * none was used before, since a server that comes back finds its card taken otherwise. The
   * virtual device only where there never was another.
   */
  #defaultOf({ server, devices }: DeviceView): DeviceInfo | undefined {
    const isOutput = this.#direction === 'output';
    const chosen = devices.find(
      (device) => device[isOutput ? 'isDefault' : 'isDefaultInput'] && device.server !== 'virtual',
    );
    if (server !== null && chosen !== undefined && chosen.server !== 'alsa') return chosen;
    const last = this.#lastValid?.name;
    if (last?.startsWith('alsa:')) return chosen;
    if (last !== undefined) return undefined;
    return chosen ?? (isOutput ? devices.find(({ name }) => name === 'virtual') : undefined);
  }

  /** Whether what plays is still there, by what is known. */
  #isPlaying(): boolean {
    if (this.#playing === null || this.#view === null) return this.#playing !== null;
    const found = findDevice(this.#playing.name, this.#view, this.#direction);
    if (found?.state !== 'unplugged') return found !== undefined;
    return !this.#candidates.some(({ device }) => device && device.state !== 'unplugged');
  }

  /** The candidate to open now, or what to wait for. */
  #choose(nowMs: number): Candidate | Wait {
    const isPlaying = this.#isPlaying();
    const pending: Wait[] = [];
    for (const candidate of this.#candidates) {
      const { device, rank } = candidate;
      if (device === undefined) continue;
      if (isPlaying && (device.name === this.#playing?.name || rank > this.#playingRank)) break;
      if (!isPlaying && this.#isWorseThanAny(device.name, nowMs)) continue;
      const due = this.#dueOf(candidate, device, isPlaying);
      if (due.untilMs <= nowMs) return candidate;
      pending.push(due);
    }
    const next = pending.sort((a, b) => a.untilMs - b.untilMs)[0];
    if (next !== undefined) return next;
    const ear = isPlaying ? this.#hearAgain(nowMs) : null;
    if (ear !== null) return ear;
    if (isPlaying) return wait('settled', Number.POSITIVE_INFINITY, this.#playing?.name ?? null);
    const name = this.#lastValid?.name ?? this.#settings.preferred[0] ?? null;
    return wait('absent', nowMs + this.#settings.queryCooldownSec * 1000, name);
  }

  /** Whether a device has just stalled and there is another one. */
  #isWorseThanAny(name: string, nowMs: number): boolean {
    if (this.#stalled?.name !== name || nowMs >= this.#stalled.untilMs) return false;
    return this.#candidates.some(({ device }) => device !== undefined && device.name !== name);
  }

  /** From when on a candidate may be opened, and what holds it up until then. */
  #dueOf({ sinceMs, rank }: Candidate, device: DeviceInfo, isPlaying: boolean): Wait {
    const { name } = device;
    const { debounceMs, graceSec } = this.#settings;
    let due: Wait;
    if (!isPlaying) due = this.#flapOf(name, sinceMs);
    else if (rank === this.#playingRank) due = wait('debounce', sinceMs + debounceMs, name);
    else due = wait('grace', sinceMs + graceSec * 1000, name);
    const failure = this.#failures.get(name);
    if (failure === undefined || failure.untilMs <= due.untilMs) return due;
    return wait('cooldown', failure.untilMs, name);
  }

  /**
   * The first return of a device is taken at once. One that was lost several times in a row has to
   * stay for longer each time: drivers panic when they are opened often. What was lost with an
   * earlier server does not count, since that was the server's fault.
   */
  #flapOf(name: string, sinceMs: number): Wait {
    const epoch = this.#view?.serverEpoch ?? 0;
    const own = this.#losses.filter((loss) => loss.name === name && loss.epoch === epoch);
    const lastMs = own.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
    const count = own.filter(({ atMs }) => lastMs - atMs < flapMs).length;
    if (count < 2) return wait('debounce', Number.NEGATIVE_INFINITY, name);
    const { debounceMs, graceSec } = this.#settings;
    const longestMs = Math.max(debounceMs, graceSec * 1000);
    const stayMs = Math.min(debounceMs * 2 ** Math.min(count - 2, 16), longestMs);
    return wait('debounce', Math.max(sinceMs, lastMs) + stayMs, name);
  }

  #open(candidate: Candidate, nowMs: number): Decision {
    const device = candidate.device!;
    const isFirst = !this.#everPlayed && this.#sequence === 0 && this.#lastValid === null;
    const { maxRecreatePerMinute } = this.#settings;
    this.#recreatedAtMs = this.#recreatedAtMs.filter((atMs) => nowMs - atMs < minuteMs);
    const oldest = this.#recreatedAtMs.at(-maxRecreatePerMinute);
    if (!isFirst) {
      if (oldest !== undefined) return wait('limit', oldest + minuteMs, device.name);
      this.#recreatedAtMs.push(nowMs);
    }
    const reason = this.#reasonFor(candidate, isFirst);
    const sequence = ++this.#sequence;
    const { rank, key } = candidate;
    this.#heardKey = this.#ear.key;
    this.#order = { sequence, name: device.name, rank, key, atMs: nowMs };
    const last = this.#lastValid?.name === device.name ? this.#lastValid.rateHz : null;
    return { action: 'open', sequence, device, rateHz: device.rateHz ?? last, reason };
  }

  #reasonFor({ rank, device }: Candidate, isFirst: boolean): OpenReason {
    if (isFirst) return 'first';
    if (!this.#isPlaying()) return 'lost';
    if (device?.name === this.#playing?.name) return 'capture-back';
    return rank === this.#playingRank ? 'default-changed' : 'preferred-back';
  }
}

function wait(reason: WaitReason, untilMs: number, name: string | null): Wait {
  return { action: 'wait', untilMs, reason, name };
}
