import { type ErrorCode, TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { type SampleFormat, sampleFormats } from './sample-door.js';

/** What refuses a wish that cannot be, by the error of its kind. */
export type Demand = (holds: boolean, what: string) => asserts holds;

/** @returns what throws a TenutoError with `code` and the text where something does not hold. */
export function demandOf(code: ErrorCode): Demand {
  return (holds, what) => {
    if (!holds) throw new TenutoError(code, what);
  };
}

/** A number from `low` to `high`, both included. */
export function isWithin(value: unknown, low: number, high: number): value is number {
  return typeof value === 'number' && value >= low && value <= high;
}

/** A whole number from `low` to `high`, both included. */
export function isWholeWithin(value: unknown, low: number, high: number): value is number {
  return isWithin(value, low, high) && Number.isInteger(value);
}

/** What stands in a message: short, whatever was given. */
export function shown(value: unknown): string {
  return String(typeof value === 'object' ? JSON.stringify(value) : value).slice(0, 40);
}

/** That there are so many channels, and that samples come so. */
export function demandShape(
  demand: Demand,
  { channels, format }: { channels: number; format: SampleFormat },
): void {
  const { channelsMax } = limits;
  demand(
    isWholeWithin(channels, 1, channelsMax),
    `channels ${shown(channels)} is no whole number of 1 to ${channelsMax}`,
  );
  demand(
    sampleFormats.includes(format),
    `format ${shown(format)} is none of ${sampleFormats.join(', ')}`,
  );
}
