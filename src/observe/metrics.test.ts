import { describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { count, counterIndex, counterTable } from '../memory/counters.js';
import { histogramIndex, recordInHistogram } from '../memory/histograms.js';
import { recordTime, timerIndex, timerTable } from '../memory/timers.js';
import { Metrics } from './metrics.js';
import { metricsTable } from './metrics-table.js';
import { readProcessDetails } from './processes.js';
import { readStatus } from './status.js';

function metricsOf(segment: ReturnType<typeof segmentFor>): Metrics {
  return new Metrics(() => ({
    status: readStatus(segment, 'x'),
    processes: readProcessDetails(segment),
    streams: [],
    readers: 3,
  }));
}

describe('the table of metrics', () => {
  it('has names as Prometheus wants them, each once, with a description', () => {
    const names = metricsTable.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type, help } of metricsTable) {
      expect(name).toMatch(/^tenuto_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(help, name).toMatch(/^\S.*[^.]$/);
    }
  });

  it('has every counter and every timer of the engine', async () => {
    const text = await metricsOf(segmentFor()).text();
    for (const name of Object.keys(counterTable)) {
      const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      expect(text).toContain(`\ntenuto_${snake}_total 0\n`);
    }
    for (const name of Object.keys(timerTable)) {
      expect(text).toContain(`tenuto_timer_measurements_total{timer="${name}"} 0`);
    }
  });
});

describe('a scrape', () => {
  it('tells what the engine has counted by then, and not twice', async () => {
    const segment = segmentFor();
    const metrics = metricsOf(segment);
    count(segment, counterIndex.underruns, 7);
    recordTime(segment, timerIndex.deviceOpen, 2500);
    await metrics.text();
    count(segment, counterIndex.underruns, 1);
    const text = await metrics.text();
    expect(text).toContain('\ntenuto_underruns_total 8\n');
    expect(text).toContain('tenuto_timer_seconds{timer="deviceOpen",of="max"} 0.0025');
    expect(text).toContain('\ntenuto_websocket_readers 3\n');
  });

  it('has histograms whose buckets rise to the count', async () => {
    const segment = segmentFor();
    for (const us of [0, 3, 100, 5000, 2_000_000]) {
      recordInHistogram(segment, histogramIndex.quantumJitter, us);
    }
    const text = await metricsOf(segment).text();
    const rows = [...text.matchAll(/tenuto_quantum_jitter_seconds_bucket\{le="(\S+)"\} (\d+)/g)];
    const bounds = rows.map((row) => Number(row[1] === '+Inf' ? Number.POSITIVE_INFINITY : row[1]));
    const values = rows.map((row) => Number(row[2]));
    expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(values.at(-1)).toBe(5);
    expect(values[bounds.indexOf(0.000128)]).toBe(3);
    expect(text).toContain('tenuto_quantum_jitter_seconds_count 5');
  });
});
