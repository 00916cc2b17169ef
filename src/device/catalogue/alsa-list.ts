import { type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DeviceInfo } from './model.js';

/** Where the kernel tells of sound cards; tests have folders of their own. */
export interface AlsaPlaces {
  /** `/proc/asound` */
  proc: string;
  /** `/dev/snd` */
  dev: string;
}

export const alsaPlaces: AlsaPlaces = { proc: '/proc/asound', dev: '/dev/snd' };

/** Devices of one card; more than that no kernel makes. */
const linesMax = 256;

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A card that goes while it is read, or no sound in the kernel at all.
    return '';
  }
}

interface Card {
  /** What the card calls itself: it stays when cards are plugged in another order. */
  id: string;
  description: string;
}

/** `/proc/asound/cards`: ` 0 [PCH            ]: HDA-Intel - HDA Intel PCH`. */
function readCards(proc: string): Map<number, Card> {
  const cards = new Map<number, Card>();
  for (const line of readText(join(proc, 'cards')).split('\n').slice(0, linesMax)) {
    const found = /^\s*(\d+) \[(\S+)\s*\]: .*? - (.*)$/.exec(line);
    if (found) cards.set(Number(found[1]), { id: found[2]!, description: found[3]!.trim() });
  }
  return cards;
}

/** What a USB device states of itself: its rates and its largest number of channels. */
function readStream(text: string, direction: 'Playback' | 'Capture') {
  const part = new RegExp(`^${direction}:\\n((?:  .*\\n?|\\n)*)`, 'm').exec(text)?.[1] ?? '';
  const rates = new Set<number>();
  for (const [, list] of part.matchAll(/Rates: ([\d, ]+)/g)) {
    for (const rate of list!.split(',')) rates.add(Number(rate));
  }
  const channels = [...part.matchAll(/Channels: (\d+)/g)].map(([, count]) => Number(count));
  return { rates: [...rates].sort((a, b) => a - b), channels: Math.max(0, ...channels) };
}

/** What an open device runs at, by `/proc/asound/card0/pcm0p/sub0/hw_params`; else undefined. */
function readRunning(folder: string): { rateHz: number; channels: number } | undefined {
  const text = readText(join(folder, 'sub0/hw_params'));
  const rateHz = /^rate: (\d+)/m.exec(text)?.[1];
  const channels = /^channels: (\d+)/m.exec(text)?.[1];
  if (rateHz === undefined || channels === undefined) return undefined;
  return { rateHz: Number(rateHz), channels: Number(channels) };
}

/** Channels of a device that does not say how many it has: nearly all have two. */
const usualChannels = 2;

/**
 * The sound cards of this machine, by their own names and not by number, and ALSA's `default` when
 * there is one. Reads some small files of the kernel and opens no device.
 */
export function listAlsa(places: AlsaPlaces = alsaPlaces): DeviceInfo[] {
  const cards = readCards(places.proc);
  const devices: DeviceInfo[] = [];
  // `00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1`
  for (const line of readText(join(places.proc, 'pcm')).split('\n').slice(0, linesMax)) {
    const found = /^(\d+)-(\d+): (.*)$/.exec(line);
    const card = found && cards.get(Number(found[1]));
    if (!found || !card) continue;
    const [, cardNumber, deviceNumber, rest] = found;
    const parts = rest!.split(' : ');
    const folder = join(places.proc, `card${Number(cardNumber)}`);
    const stream = readText(join(folder, `stream${Number(deviceNumber)}`));
    const side = (word: 'playback' | 'capture') => {
      if (!parts.some((part) => part.startsWith(word))) return undefined;
      const told = readStream(stream, word === 'playback' ? 'Playback' : 'Capture');
      const running = readRunning(join(folder, `pcm${Number(deviceNumber)}${word[0]}`));
      return { ...told, running, count: running?.channels || told.channels || usualChannels };
    };
    const play = side('playback');
    const capture = side('capture');
    const running = play?.running ?? capture?.running;
    devices.push({
      name: `alsa:hw:CARD=${card.id},DEV=${Number(deviceNumber)}`,
      description: `${card.description}, ${parts[0]!.trim()}`,
      outputs: play?.count ?? 0,
      inputs: capture?.count ?? 0,
      rateHz: running?.rateHz ?? null,
      ratesHz: play?.rates.length ? play.rates : (capture?.rates ?? []),
      isDefault: false,
      isDefaultInput: false,
      inUse: running !== undefined,
      state: running === undefined ? 'idle' : 'running',
      server: 'alsa',
      monitorOf: null,
      profile: null,
      instance: 0,
    });
  }
  return devices.length === 0 ? [] : [alsaDefault(devices), ...devices];
}

function alsaDefault(devices: readonly DeviceInfo[]): DeviceInfo {
  const most = (key: 'outputs' | 'inputs') => Math.max(0, ...devices.map((device) => device[key]));
  return {
    ...devices[0]!,
    name: 'alsa:default',
    description: "what ALSA's own settings call default",
    outputs: most('outputs'),
    inputs: most('inputs'),
    rateHz: null,
    ratesHz: [],
    inUse: false,
    state: 'idle',
  };
}

/**
 * Tells when sound cards come and go, by what the kernel does in `/dev/snd`. Whether somebody uses
 * a card is not told by the kernel; the next listing shows it.
 */
export class AlsaWatch {
  readonly #places: AlsaPlaces;
  readonly #onChange: () => void;
  #watcher: FSWatcher | null = null;
  #closed = false;

  constructor(onChange: () => void, places: AlsaPlaces = alsaPlaces) {
    this.#places = places;
    this.#onChange = onChange;
    this.#arm();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#watcher?.close();
    this.#watcher = null;
  }

  /** The folder is not there while there is no card: then its appearance is waited for. */
  #arm(): void {
    this.#watcher?.close();
    this.#watcher = null;
    if (this.#closed) return;
    const { dev } = this.#places;
    const within = this.#watch(dev, (name) => {
      // The folder tells of its own removal by its own name.
      if (name === basename(dev) && !this.#exists()) this.#arm();
      this.#onChange();
    });
    if (!within) {
      this.#watch(dirname(dev), (name) => {
        if (name !== basename(dev) || !this.#exists()) return;
        this.#arm();
        this.#onChange();
      });
    }
  }

  #exists(): boolean {
    try {
      readdirSync(this.#places.dev);
      return true;
    } catch {
      return false;
    }
  }

  #watch(folder: string, tell: (name: string) => void): boolean {
    try {
      const watcher = watch(folder, (_, name) => {
        if (this.#watcher === watcher && name !== null) tell(name);
      });
      watcher.on('error', () => watcher.close());
      this.#watcher = watcher;
      return true;
    } catch {
      return false;
    }
  }
}
