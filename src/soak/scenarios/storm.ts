import { checkEqual, checkMost, reportOf, type Scenario } from '../scenario.js';
import { runStreamStorm } from '../stream-storm.js';

const producers = 100;
/** Processes that they are spread over. */
const processes = 4;
/** Memory that an engine may have more at the end than after a half. */
const growthMbMost = 16;

/** A hundred producers open, write and close streams at once, on the virtual device. */
export const storm: Scenario = async (options) => {
  const { settings, seconds, seed, signal, onProgress } = options;
  const found = await runStreamStorm({
    settings: { ...settings, device: { ...settings.device, name: 'virtual', fallbacks: [] } },
    producers,
    processes,
    seconds,
    seed,
    ...(signal === undefined ? {} : { signal }),
    onProgress: ({ elapsedSec, streams, failures }) =>
      onProgress?.(`${elapsedSec.toFixed(0)} s, ${streams} streams, ${failures} failures`),
  });
  const { memoryMb } = found;
  return reportOf(
    'storm',
    { ...options, server: 'none' },
    {
      checks: [
        checkEqual('producers that hang', 0, found.stuck),
        checkEqual('streams left taken', 0, found.leftTaken),
        checkEqual('frames lost', 0, found.lostFrames),
        { what: 'order', expected: 'ok', found: found.order, ok: found.order === 'ok' },
        {
          what: 'recording, bit for bit',
          expected: 'the same',
          found: found.bitExact ? 'the same' : `from frame ${found.firstDifference}`,
          ok: found.bitExact,
        },
        checkEqual('recreations', 0, found.recreations),
        checkMost('memory grown', growthMbMost, Math.round(memoryMb.last - memoryMb.middle), 'MB'),
        { what: 'all of it', expected: 'fine', found: found.ok ? 'fine' : 'not', ok: found.ok },
      ],
      figures: {
        streams: found.opened,
        frames: found.frames,
        waitMedianMs: found.waitMs.median,
        waitMaxMs: found.waitMs.max,
        memoryMiddleMb: memoryMb.middle,
        memoryLastMb: memoryMb.last,
      },
      counters: found.counters,
    },
  );
};
