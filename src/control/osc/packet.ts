import { fromBuffer, type OscArgOutputOrArray, type OscPacketOutput, toBuffer } from 'osc-min';
import { TenutoError } from '../../errors.js';
import { limits } from '../../limits.js';

/** An argument of a message, in the words of this system. */
export type OscValue = number | string | boolean | null | Uint8Array;

/** A message, and the time tag of the bundle that it came in. */
export interface OscMessage {
  readonly address: string;
  /** Arrays are spelled out. */
  readonly values: readonly OscValue[];
}

/** What belongs together: the messages of one bundle, or a message that came alone. */
export interface OscGroup {
  /** Seconds since 1900 and their fraction; null for at once. */
  readonly time: readonly [number, number] | null;
  readonly isBundle: boolean;
  readonly messages: readonly OscMessage[];
}

const bundleHead = Buffer.from('#bundle\0');

/**
 * Reads a packet: a group for each bundle in it, outer ones first.
 *
 * @throws TenutoError `TENUTO_COMMAND_INVALID` for what is no OSC packet
 */
export function readPacket(bytes: Uint8Array): OscGroup[] {
  if (bytes.length > limits.oscPacketBytesMax) refuse(`longer than ${limits.oscPacketBytesMax}`);
  if (bytes.length === 0 || bytes.length % 4 !== 0) refuse('its length is no multiple of 4');
  checkDepth(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0);
  let packet: OscPacketOutput;
  try {
    packet = fromBuffer(bytes);
  } catch (cause) {
    refuse((cause as Error).message, cause);
  }
  const groups: OscGroup[] = [];
  if (packet.oscType === 'message') {
    groups.push({ time: null, isBundle: false, messages: [messageOf(packet)] });
  } else gather(packet, groups);
  return groups;
}

/** A message as bytes: a number is sent as float, an integer where `int` says so. */
export function writeMessage(address: string, values: readonly OscReply[]): Uint8Array {
  const args = values.map((value) => {
    if (typeof value === 'string') return { type: 'string', value: value.replaceAll('\0', '') };
    if (typeof value === 'number') return { type: 'float', value };
    return { type: 'integer', value: value.int | 0 };
  });
  const view = toBuffer({ address, args } as Parameters<typeof toBuffer>[0]);
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** A value of a reply. */
export type OscReply = string | number | { readonly int: number };

function refuse(why: string, cause?: unknown): never {
  throw new TenutoError('TENUTO_COMMAND_INVALID', `no OSC packet: ${why}`, { cause });
}

/** Bundles in bundles, before the codec follows them down. */
function checkDepth(bytes: Buffer, depth: number): void {
  if (bytes.length < 16 || !bytes.subarray(0, 8).equals(bundleHead)) return;
  if (depth >= limits.oscBundleDepthMax) refuse('bundles lie too deep in each other');
  for (let at = 16; at < bytes.length; ) {
    if (at + 4 > bytes.length) refuse('a bundle is cut off');
    const size = bytes.readInt32BE(at);
    if (size <= 0 || size % 4 !== 0 || at + 4 + size > bytes.length) {
      refuse('a part of a bundle has no possible size');
    }
    checkDepth(bytes.subarray(at + 4, at + 4 + size), depth + 1);
    at += 4 + size;
  }
}

function gather(bundle: Extract<OscPacketOutput, { oscType: 'bundle' }>, groups: OscGroup[]): void {
  const [seconds, fraction] = bundle.timetag;
  const isNow = seconds === 0;
  const messages: OscMessage[] = [];
  groups.push({ time: isNow ? null : [seconds, fraction], isBundle: true, messages });
  for (const element of bundle.elements) {
    if (element.oscType === 'message') messages.push(messageOf(element));
    else gather(element, groups);
  }
}

function messageOf({ address, args }: Extract<OscPacketOutput, { oscType: 'message' }>) {
  const values: OscValue[] = [];
  for (const arg of args) spell(arg, values);
  return { address, values };
}

function spell(arg: OscArgOutputOrArray, values: OscValue[]): void {
  switch (arg.type) {
    case 'array':
      for (const one of arg.value) spell(one, values);
      break;
    case 'integer':
    case 'float':
    case 'double':
      values.push(arg.value);
      break;
    case 'bigint':
      values.push(Number(arg.value));
      break;
    case 'string':
    case 'symbol':
    case 'character':
      values.push(arg.value);
      break;
    case 'true':
    case 'bang':
      values.push(true);
      break;
    case 'false':
      values.push(false);
      break;
    case 'blob':
      values.push(new Uint8Array(arg.value.buffer, arg.value.byteOffset, arg.value.byteLength));
      break;
    default:
      // Nil, time tags, colours and MIDI: they stand for no value of a parameter.
      values.push(null);
  }
}
