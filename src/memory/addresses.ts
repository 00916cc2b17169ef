import { assert } from '../errors.js';
import type { Segment } from './segment.js';
import { addressBytes } from './watch-layout.js';

/** The doors of the control process to the network, in the order of memory: append only. */
export const doorNames = ['http', 'ws', 'osc', 'remote'] as const;
export type DoorName = (typeof doorNames)[number];

/** Where each door is really bound, as a URL; null for one that is off or was refused. */
export type ControlAddresses = Record<DoorName, string | null>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const wordOf = ({ layout }: Segment, door: number) => layout.addresses + (door * addressBytes) / 4;

/** Says where a door is bound; null when it is not. Only control does. */
export function writeAddress(segment: Segment, name: DoorName, address: string | null): void {
  const word = wordOf(segment, doorNames.indexOf(name));
  const text = encoder.encode(address ?? '');
  assert(text.length <= addressBytes - 4, 'the address fits its place');
  Atomics.store(segment.words, word, 0);
  segment.bytes.set(text, (word + 1) * 4);
  Atomics.store(segment.words, word, text.length);
}

/** Where all doors are bound. */
export function readAddresses(segment: Segment): ControlAddresses {
  return Object.fromEntries(
    doorNames.map((name, door) => {
      const word = wordOf(segment, door);
      const length = Math.min(Atomics.load(segment.words, word), addressBytes - 4);
      const bytes = segment.bytes.slice((word + 1) * 4, (word + 1) * 4 + length);
      return [name, length > 0 ? decoder.decode(bytes) : null];
    }),
  ) as ControlAddresses;
}
