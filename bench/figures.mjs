/** Small sums that the benchmarks share, and what this machine does without Tenuto. */
import { spawnSync } from 'node:child_process';
import { monotonicNs, sleepUntilNs } from '../dist/os/index.js';

export function median(values) {
  return quantile(values, 0.5);
}

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export const ms = (value) => (value === null ? '-' : `${value.toFixed(value < 10 ? 2 : 0)} ms`);
export const times = (value) => `${value.toFixed(value < 10 ? 1 : 0)}x`;

/**
 * What timings are put beside: how long an empty Node program takes here, and how late an ordinary
 * process is woken up. Both tell more about this machine at this hour than about Tenuto.
 */
export function measureMachine() {
  const spawnMs = [];
  for (let i = 0; i < 5; i++) {
    const from = monotonicNs();
    spawnSync(process.execPath, ['-e', '0']);
    spawnMs.push((monotonicNs() - from) / 1e6);
  }
  const lateMs = [];
  let due = monotonicNs();
  for (let i = 0; i < 400; i++) {
    due += 2.5e6;
    sleepUntilNs(due);
    lateMs.push((monotonicNs() - due) / 1e6);
  }
  return {
    spawnMs: median(spawnMs),
    lateMs: { median: median(lateMs), p99: quantile(lateMs, 0.99), max: Math.max(...lateMs) },
  };
}
