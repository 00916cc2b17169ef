import { z } from 'zod';
import { limits } from '../../limits.js';

/** What a reader can subscribe to; each is sent as often as it changes, or as its page draws. */
export const topics = ['state', 'events', 'meters', 'values'] as const;
export type Topic = (typeof topics)[number];

/** `@played`, or a point of the patch: a node, or a node's output or port. */
const tap = z.string().min(1).max(128);
const taps = z.array(tap).max(limits.readerTapsMax);
const topicList = z.array(z.enum(topics)).max(topics.length);

/** What a reader may send: one JSON object a message. */
export const readerMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('subscribe'),
    topics: topicList.optional(),
    /** Points that are sent sample by sample. */
    taps: taps.optional(),
    /** Of events: the last one that is known. */
    since: z
      .number()
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .optional(),
  }),
  z.strictObject({
    type: z.literal('unsubscribe'),
    topics: topicList.optional(),
    taps: taps.optional(),
  }),
  // The bus validates it, as it does for every way in.
  z.strictObject({ type: z.literal('command'), command: z.unknown() }),
]);
export type ReaderMessage = z.output<typeof readerMessageSchema>;

/** Bytes before the samples of a binary message: number of the tap, lanes, frame, lost frames. */
export const tapHeaderBytes = 16;

/**
 * A stretch of a tap as it is sent: little-endian words for the tap's number, its lanes, the first
 * frame's number and the frames lost before it, both modulo 2^32; then float32 samples, frame by
 * frame.
 */
export function encodeTap(
  head: { tap: number; lanes: number; frame: number; lostFrames: number },
  samples: Float32Array,
): Uint8Array {
  const words = new Uint32Array(tapHeaderBytes / 4 + samples.length);
  words.set([head.tap, head.lanes, head.frame >>> 0, head.lostFrames >>> 0]);
  new Float32Array(words.buffer, tapHeaderBytes).set(samples);
  return new Uint8Array(words.buffer);
}
