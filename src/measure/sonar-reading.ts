/** One ranging as the sonar tells it. */
export interface SonarReading {
  /** From 1 since the start. */
  count: number;
  /** Milliseconds since 1970. */
  timeMs: number;
  /** As measured; null without an echo. */
  distanceM: number | null;
  /** Median, and Kalman if that is on; null without an echo. */
  smoothedM: number | null;
  flightSec: number | null;
  level: number | null;
  snrDb: number | null;
  confidence: number;
  speedMps: number | null;
  /** Which opening of the device it was measured over. */
  generation: number | null;
  removed: 'clutter' | 'direct' | null;
  /** Times that it was disturbed and measured again. */
  repeats: number;
  /** Why there is no number; null when there was a ranging. */
  failure: { code: string; message: string } | null;
}
