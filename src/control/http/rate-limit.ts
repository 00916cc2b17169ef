/** How much may come from one place. */
export interface Rate {
  perSec: number;
  /** As many may come at once. */
  burst: number;
  /** Places that are remembered; when there are more, the one that was quiet longest is forgotten. */
  placesMax: number;
}

interface Bucket {
  left: number;
  atMs: number;
}

/** Counts what comes from each place, and says when it is too much. */
export class RateLimit {
  /** By place, the one that was quiet longest first. */
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly rate: Rate,
    private readonly nowMs: () => number,
  ) {}

  /** Whether one more may pass. */
  take(place: string): boolean {
    const { perSec, burst, placesMax } = this.rate;
    const atMs = this.nowMs();
    const known = this.buckets.get(place);
    const grown = known === undefined ? burst : ((atMs - known.atMs) * perSec) / 1000 + known.left;
    const left = Math.min(burst, grown);
    const passes = left >= 1;
    this.buckets.delete(place);
    if (this.buckets.size >= placesMax) {
      for (const quietest of this.buckets.keys()) {
        this.buckets.delete(quietest);
        break;
      }
    }
    this.buckets.set(place, { left: passes ? left - 1 : left, atMs });
    return passes;
  }
}
