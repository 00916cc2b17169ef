import { controlDesk } from './layout.js';
import type { Segment } from './segment.js';

/** The ways in that control offers beside its local socket. */
export const doors = ['http', 'ws', 'osc', 'remote'] as const;
export type Door = (typeof doors)[number];

/** What each way in is really bound to; null when it is off, or could not be. */
export type Addresses = Record<Door, string | null>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function bytesOf({ bytes, layout }: Segment, door: Door): Uint8Array {
  const { addressBytes } = controlDesk;
  const start = layout.controlDesk * 4 + doors.indexOf(door) * addressBytes;
  return bytes.subarray(start, start + addressBytes);
}

/** Says where a way in is bound, as in `udp://127.0.0.1:5005`. Only control does. */
export function writeAddress(segment: Segment, door: Door, address: string | null): void {
  const bytes = bytesOf(segment, door);
  bytes.fill(0);
  // The last byte stays 0.
  encoder.encodeInto(address ?? '', bytes.subarray(0, -1));
}

/** Where the ways in are bound. */
export function readAddresses(segment: Segment): Addresses {
  const rows = doors.map((door) => {
    const bytes = bytesOf(segment, door).slice();
    return [door, decoder.decode(bytes.subarray(0, bytes.indexOf(0))) || null] as const;
  });
  return Object.fromEntries(rows) as Addresses;
}
