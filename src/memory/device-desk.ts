import { assert } from '../errors.js';
import { requestTimesKept } from './desk-layout.js';
import { DeskOutcome, DeviceState, desk, deskTextBytes } from './layout.js';
import type { Segment } from './segment.js';

/**
 * The desk between those who decide about devices and those who open them. Control writes a
 * request; the standby driver opens what it names and takes over, or says why it could not. The
 * current driver says how it stands with its own. None of this is on the audio path but `noteTurn`.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function writeText(segment: Segment, word: number, text: string): void {
  const start = (segment.layout.desk + word) * 4;
  const bytes = segment.bytes.subarray(start, start + deskTextBytes);
  bytes.fill(0);
  // The last byte stays 0; a character that does not fit is left out.
  encoder.encodeInto(text, bytes.subarray(0, deskTextBytes - 1));
}

function readText(segment: Segment, word: number): string {
  const start = (segment.layout.desk + word) * 4;
  const bytes = segment.bytes.slice(start, start + deskTextBytes);
  return decoder.decode(bytes.subarray(0, Math.max(0, bytes.indexOf(0))));
}

/** A device, and the rate that it runs at by itself; null when nobody knows it. */
export interface NamedDevice {
  name: string;
  nativeRateHz: number | null;
}

/** A device that control wants to be opened. */
export interface DeviceRequest extends NamedDevice {
  /** Rises with every request. */
  number: number;
  /** Microseconds of the monotonic clock, 32 bits. */
  us: number;
}

/** Asks for a device. Only control does; a request that is not settled yet is replaced. */
export function requestDevice(segment: Segment, request: DeviceRequest): void {
  const { number, name, nativeRateHz, us } = request;
  const { words, layout } = segment;
  assert(encoder.encode(name).length < deskTextBytes, 'the name of the device fits the desk');
  writeText(segment, desk.requestName, name);
  words[layout.desk + desk.requestRateHz] = nativeRateHz ?? 0;
  words[layout.desk + desk.requestUs] = us | 0;
  words[layout.desk + desk.requestTimes + (number % requestTimesKept)] = us | 0;
  Atomics.store(words, layout.desk + desk.request, number);
}

/**
 * How long ago the last requests were made, in microseconds modulo 2^32: one of 72 minutes ago looks
 * new, which costs a recreation that could have been made.
 */
export function requestAges({ words, layout }: Segment, nowUs: number): number[] {
  const last = Atomics.load(words, layout.desk + desk.request);
  const ages: number[] = [];
  for (let number = Math.max(1, last - requestTimesKept + 1); number <= last; number++) {
    const us = words[layout.desk + desk.requestTimes + (number % requestTimesKept)]!;
    ages.push((nowUs - us) >>> 0);
  }
  return ages;
}

/** What whoever decides about devices goes by. */
export interface DeskState {
  state: DeviceStatus['state'];
  lostReason: DeviceStatus['lostReason'];
  /** The device that plays or played last, and the rate it runs at. */
  name: string;
  rateHz: number;
  /** It plays, but what is listened to is gone. */
  isDeaf: boolean;
  /** Microseconds, 32 bits: since when the state is what it is. */
  sinceUs: number;
  /** Numbers of the last request and of the last one that was settled, and whether that opened. */
  request: number;
  settled: number;
  opened: boolean;
}

/** Whether nothing is heard of the device that is listened to; of the driver's last looks. */
const isDeaf = (words: Int32Array, at: number) =>
  words[at + desk.health + deskHealth.captureLost] === 1;

/** Whether anything happened since a state was read; a few words tell. */
export function hasDeskChanged({ words, layout }: Segment, before: DeskState): boolean {
  const at = layout.desk;
  return (
    words[at + desk.sinceUs] !== before.sinceUs ||
    isDeaf(words, at) !== before.isDeaf ||
    Atomics.load(words, at + desk.request) !== before.request ||
    Atomics.load(words, at + desk.settled) !== before.settled
  );
}

export function readDeskState(segment: Segment): DeskState {
  const { words, layout } = segment;
  const at = layout.desk;
  return {
    state: states[Atomics.load(words, at + desk.state)] ?? 'none',
    lostReason: reasons[words[at + desk.lostReason]!] ?? 'failed',
    name: readText(segment, desk.name),
    rateHz: words[at + desk.health + deskHealth.deviceRateHz]!,
    isDeaf: isDeaf(words, at),
    sinceUs: words[at + desk.sinceUs]!,
    request: Atomics.load(words, at + desk.request),
    settled: Atomics.load(words, at + desk.settled),
    opened: words[at + desk.outcome] === DeskOutcome.opened,
  };
}

/** Whether a request waits to be settled. Allocation-free. */
export function hasRequest({ words, layout }: Segment): boolean {
  const number = Atomics.load(words, layout.desk + desk.request);
  return number !== Atomics.load(words, layout.desk + desk.settled);
}

/** The request that waits, or null; also null while it is being replaced. */
export function waitingRequest(segment: Segment): DeviceRequest | null {
  const { words, layout } = segment;
  if (!hasRequest(segment)) return null;
  const number = Atomics.load(words, layout.desk + desk.request);
  const request = {
    number,
    name: readText(segment, desk.requestName),
    nativeRateHz: words[layout.desk + desk.requestRateHz]! || null,
    us: words[layout.desk + desk.requestUs]!,
  };
  return Atomics.load(words, layout.desk + desk.request) === number ? request : null;
}

/** What became of a request. */
export interface DeskAnswer {
  number: number;
  opened: boolean;
  /** Number of the error code and the message of the failure. */
  error: number;
  text: string;
}

/** Settles a request. */
export function settleRequest(segment: Segment, answer: DeskAnswer): void {
  const { words, layout } = segment;
  const at = layout.desk;
  writeText(segment, desk.outcomeText, answer.text);
  words[at + desk.outcome] = answer.opened ? DeskOutcome.opened : DeskOutcome.failed;
  words[at + desk.outcomeError] = answer.error;
  Atomics.store(words, at + desk.settled, answer.number);
}

/** The last answer, or null when nothing was ever asked. */
export function lastAnswer(segment: Segment): DeskAnswer | null {
  const { words, layout } = segment;
  const at = layout.desk;
  const number = Atomics.load(words, at + desk.settled);
  const outcome = words[at + desk.outcome]!;
  if (outcome === DeskOutcome.none) return null;
  return {
    number,
    opened: outcome === DeskOutcome.opened,
    error: words[at + desk.outcomeError]!,
    text: readText(segment, desk.outcomeText),
  };
}

/** Says which generation opens a device, for the keeper to see when it hangs; 0 for none. */
export function noteOpening(segment: Segment, generation: number, nowUs: number): void {
  const { words, layout } = segment;
  words[layout.desk + desk.openingUs] = nowUs | 0;
  Atomics.store(words, layout.desk + desk.opening, generation);
}

/** The current driver has a device: its name, for whoever opens it after this driver. */
export function noteDevice(segment: Segment, generation: number, name: string): void {
  writeText(segment, desk.name, name);
  segment.words[segment.layout.desk + desk.generation] = generation;
}

/** The current driver's state of the device. Allocation-free. */
export function noteDeviceState(
  { words, layout }: Segment,
  state: DeviceState,
  nowUs: number,
  lostReason: number,
): void {
  words[layout.desk + desk.sinceUs] = nowUs;
  words[layout.desk + desk.lostReason] = lostReason;
  Atomics.store(words, layout.desk + desk.state, state);
}

/** Words of `desk.health`: the fixed-point form of what a device tells of itself. */
export const deskHealth = {
  /** Parts per billion, or `rateUnknown`. */
  rateErrorPpb: 0,
  jitterUs: 1,
  fillFrames: 2,
  latencyFrames: 3,
  captureFillFrames: 4,
  captureDropFrames: 5,
  conversionUs: 6,
  deviceRateHz: 7,
  captureLost: 8,
} as const;

/** In place of a rate error that is not known yet. */
export const rateUnknown = -(2 ** 31);

/** How the engine stands with its device. */
export interface DeviceStatus {
  /** The device that plays or played last; empty before the first. */
  name: string;
  state: 'none' | 'playing' | 'held' | 'continuing';
  /** Why it is away. */
  lostReason: (typeof reasons)[number];
  /** Frames per second at which the device itself runs. */
  rateHz: number;
  /** Frames between giving a quantum to the device and the loudspeaker, as the device says. */
  latencyFrames: number;
  /** How much faster than nominal the device runs, by this machine's clock; null until it is known. */
  rateErrorPpm: number | null;
  /** Mean deviation of the device's time stamps from an even pace, in microseconds. */
  jitterUs: number;
  /** Frames in the device's buffer. */
  fillFrames: number;
  /** Captured frames that wait, and those thrown away since the device was opened. */
  captureFillFrames: number;
  captureDropFrames: number;
  /** What is listened to is gone: what is captured is silence, and what is played goes on. */
  captureLost: boolean;
}

const states = ['none', 'playing', 'held', 'continuing'] as const;
const reasons = ['none', 'gone', 'stalled', 'server', 'failed', 'changed'] as const;

export function readDevice(segment: Segment): DeviceStatus {
  const { words, layout } = segment;
  const at = layout.desk;
  const health = (index: number) => words[at + desk.health + index]!;
  const rateErrorPpb = health(deskHealth.rateErrorPpb);
  return {
    name: readText(segment, desk.name),
    state: states[Atomics.load(words, at + desk.state)] ?? 'none',
    lostReason: reasons[words[at + desk.lostReason]!] ?? 'failed',
    rateHz: health(deskHealth.deviceRateHz),
    latencyFrames: health(deskHealth.latencyFrames),
    rateErrorPpm: rateErrorPpb === rateUnknown ? null : rateErrorPpb / 1000,
    jitterUs: health(deskHealth.jitterUs),
    fillFrames: health(deskHealth.fillFrames),
    captureFillFrames: health(deskHealth.captureFillFrames),
    captureDropFrames: health(deskHealth.captureDropFrames),
    captureLost: isDeaf(words, at),
  };
}

/** The device that a driver is to open when its predecessor died; null for none. */
export function deviceToGoOnWith(segment: Segment): NamedDevice | null {
  const { words, layout } = segment;
  const state = Atomics.load(words, layout.desk + desk.state);
  if (state !== DeviceState.playing) return null;
  const rateHz = words[layout.desk + desk.health + deskHealth.deviceRateHz]!;
  return { name: readText(segment, desk.name), nativeRateHz: rateHz || null };
}
