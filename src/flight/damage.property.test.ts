import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { journalChunks, writeJournal } from '../../test/kit/journal.js';
import { TenutoError } from '../errors.js';
import { ChunkKind, chunkHeaderBytes, encodeChunk } from './chunk.js';
import type { ReplayResult } from './replay.js';
import { replayJournal } from './replay.js';
import { Story } from './story.js';

const folder = mkdtempSync(join(tmpdir(), 'tenuto-journal-'));
const path = join(folder, 'run.tj');
const steps = 6;
const quanta = steps * 16;
const chunks = journalChunks(steps);
const whole = Buffer.concat(chunks);
/** Each property is tried for so long, and whatever the machine, a few times. */
const budget = { interruptAfterTimeLimit: 4000, markInterruptAsFailure: false, numRuns: 2000 };

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Replays the file; null when it is refused as no journal at all. */
async function replay(): Promise<ReplayResult | null> {
  let rendered = 0;
  const items = replayJournal(path, { quantum: () => rendered++, missing: () => {} });
  try {
    for (;;) {
      const next = await items.next();
      if (!next.done) continue;
      expect(next.value.quanta).toBe(rendered);
      return next.value;
    }
  } catch (error) {
    if (error instanceof TenutoError) return null;
    throw error;
  }
}

/** Tells the file in words; what it refuses is no failure. */
function tell(): void {
  try {
    for (const line of new Story().tell(path)) expect(line.text).not.toBe('');
  } catch (error) {
    if (!(error instanceof TenutoError)) throw error;
  }
}

describe('a journal', () => {
  it('replays as it was played', async () => {
    writeJournal(path, chunks);
    const told = await replay();
    expect(told).toMatchObject({ quanta, compared: quanta, firstDifference: null, hasEnd: true });
  });

  it('is replayed up to a damage, which is told, wherever a byte is another', async () => {
    const place = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(place, async ([at, change]) => {
        const bytes = Buffer.from(whole);
        bytes[at] = bytes[at]! ^ change;
        writeFileSync(path, bytes);
        const told = await replay();
        tell();
        if (told === null) return;
        expect(told.firstDifference).toBeNull();
        expect(told.damages).toHaveLength(1);
        expect(told.damages[0]!.offset).toBeLessThanOrEqual(at);
        expect(told.quanta).toBeLessThanOrEqual(quanta);
      }),
      budget,
    );
  });

  it('is replayed up to where it is cut off', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), async (length) => {
        writeFileSync(path, whole.subarray(0, length));
        const told = await replay();
        tell();
        if (told === null) return;
        expect(told.firstDifference).toBeNull();
        expect(told.damages.every(({ isTorn }) => isTorn)).toBe(true);
      }),
      budget,
    );
  });

  it('is refused where chunks are missing, doubled or in another order', async () => {
    const order = fc.array(fc.nat(chunks.length - 1), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(order, async (indexes) => {
        writeJournal(
          path,
          indexes.map((index) => chunks[index]!),
        );
        const told = await replay();
        tell();
        expect(told?.firstDifference ?? null).toBeNull();
      }),
      budget,
    );
  });

  it('does no harm although its checksums fit what is wrong in it', async () => {
    const kinds = Object.values(ChunkKind);
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
    const what = fc.tuple(fc.nat(chunks.length - 1), changes, fc.constantFrom(...kinds, null));
    await fc.assert(
      fc.asyncProperty(what, async ([index, bytes, kind]) => {
        const payload = Buffer.from(chunks[index]!.subarray(chunkHeaderBytes));
        for (const [at, value] of bytes) payload[at % Math.max(1, payload.length)] = value;
        const told = kind ?? (chunks[index]!.readUInt32LE(4) as ChunkKind);
        const changed = [...chunks];
        changed[index] = encodeChunk(told, index, payload);
        writeJournal(path, changed);
        const result = await replay();
        tell();
        expect(result?.quanta ?? 0).toBeLessThanOrEqual(quanta);
      }),
      budget,
    );
  });

  it('may be anything at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        writeFileSync(path, bytes);
        await replay();
        tell();
      }),
      budget,
    );
  });
});
