import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { currentSealedTick, findRecord } from '../memory/journal.js';
import { journalTicks, record } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import {
  openStreamSegment,
  streamBytes,
  streamHeader,
  streamSpace,
  writeStream,
} from '../memory/stream.js';
import { ticksBetween } from '../memory/ticks.js';
import { mapShared, openSharedMemory } from '../os/index.js';
import type { StreamWriter } from './types.js';

/** How often it looks for room: the ring holds many seconds. */
const lookMs = 20;

/** A writer whose memory is given back when the engine is gone. */
export interface OpenStreamWriter extends StreamWriter {
  release(): void;
}

/** Opens a client stream of a running engine for writing. */
export function openStreamWriter(
  segment: Segment,
  at: { pid: number; fd: number; index: number },
): OpenStreamWriter {
  const { layout } = segment;
  const fd = openSharedMemory({ pid: at.pid, fd: at.fd, writable: true });
  const mapping = mapShared(fd, streamBytes(layout.channels), { writable: true });
  closeSync(fd);
  const stream = openStreamSegment(mapping.buffer, layout.channels);
  // A replica that joins may go back as far as the journal does.
  const keptFrames = journalTicks * layout.quantum;
  let played = 0;

  const readPlayed = (): number => {
    const tick = currentSealedTick(segment);
    if (ticksBetween(tick, layout.firstTick) < 0) return 0;
    const found = findRecord(segment, tick);
    if (found >= 0) played = segment.words[found + record.streamCursors + at.index]!;
    return played;
  };

  let released = false;
  const writer: OpenStreamWriter = {
    get written() {
      return Atomics.load(stream.words, streamHeader.written) >>> 0;
    },
    get played() {
      return readPlayed() >>> 0;
    },
    async write(samples) {
      const { channels } = layout;
      let from = 0;
      while (from < samples.length && !released) {
        const space = streamSpace(stream, readPlayed(), keptFrames);
        const part = samples.subarray(from, from + space * channels);
        if (part.length > 0) writeStream(stream, part);
        from += part.length;
        if (from < samples.length) await delay(lookMs);
      }
    },
    async drain() {
      while (!released && readPlayed() !== Atomics.load(stream.words, streamHeader.written)) {
        await delay(lookMs);
      }
    },
    release() {
      released = true;
      mapping.unmap();
    },
  };
  return writer;
}
