import { type CounterName, counterTable } from '../memory/counters.js';
import {
  bucketFromUs,
  type HistogramName,
  type HistogramStatus,
  histogramTable,
} from '../memory/histograms.js';
import { timerTable } from '../memory/timers.js';
import { histogramBuckets } from '../memory/watch-layout.js';
import type { ProcessDetail } from './processes.js';
import type { Status } from './status.js';
import type { StreamStatus } from './streams.js';

/** What all metrics are read from. */
export interface MetricsSource {
  readonly status: Status;
  readonly processes: readonly ProcessDetail[];
  readonly streams: readonly StreamStatus[];
  /** Readers of the WebSocket now. */
  readonly readers: number;
}

/** One value of a metric; `suffix` only for the parts of a histogram. */
export interface Sample {
  value: number;
  labels?: Readonly<Record<string, string | number>>;
  suffix?: '_bucket' | '_sum' | '_count';
}

/** One metric, as it is scraped and as docs/metrics.md describes it. */
export interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What it is, in a sentence without an end. */
  readonly help: string;
  readonly labels: readonly string[];
  read(source: MetricsSource): Sample[];
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const counterRows = (Object.keys(counterTable) as CounterName[]).map(
  (name): Metric => ({
    name: `tenuto_${snake(name)}_total`,
    type: 'counter',
    help: counterTable[name],
    labels: [],
    read: ({ status }) => [{ value: status.counters[name] }],
  }),
);

const timerList = Object.entries(timerTable)
  .map(([name, help]) => `${name}: ${help}`)
  .join('; ');

const timerRows: Metric[] = [
  {
    name: 'tenuto_timer_seconds',
    type: 'gauge',
    help: `the last measurement, the average of the last 100 and the longest of a timer (${timerList})`,
    labels: ['timer', 'of'],
    read: ({ status }) =>
      Object.entries(status.timers).flatMap(([timer, { lastMs, averageMs, maxMs }]) => [
        { labels: { timer, of: 'last' }, value: lastMs / 1000 },
        { labels: { timer, of: 'average' }, value: averageMs / 1000 },
        { labels: { timer, of: 'max' }, value: maxMs / 1000 },
      ]),
  },
  {
    name: 'tenuto_timer_measurements_total',
    type: 'counter',
    help: 'measurements of a timer',
    labels: ['timer'],
    read: ({ status }) =>
      Object.entries(status.timers).map(([timer, { count }]) => ({
        labels: { timer },
        value: count,
      })),
  },
];

/** Every octave is enough for a scrape; the engine itself has eight buckets in each. */
function histogramSamples({ buckets, count, sumUs }: HistogramStatus): Sample[] {
  const samples: Sample[] = [];
  let below = 0;
  for (let bucket = 0; bucket < histogramBuckets; bucket++) {
    below += buckets[bucket] ?? 0;
    if (bucket % 8 !== 7) continue;
    const labels = { le: bucketFromUs(bucket + 1) / 1e6 };
    samples.push({ suffix: '_bucket', labels, value: below });
  }
  samples.push({ suffix: '_bucket', labels: { le: '+Inf' }, value: count });
  samples.push({ suffix: '_sum', value: sumUs / 1e6 });
  samples.push({ suffix: '_count', value: count });
  return samples;
}

const histogramRows = (Object.keys(histogramTable) as HistogramName[]).map(
  (name): Metric => ({
    name: `tenuto_${snake(name)}_seconds`,
    type: 'histogram',
    help: histogramTable[name],
    labels: [],
    read: ({ status }) => histogramSamples(status.histograms[name]),
  }),
);

/** A gauge of one value. */
function gauge(name: string, help: string, read: (source: MetricsSource) => number): Metric {
  const value = (source: MetricsSource) => [{ value: read(source) }];
  return { name: `tenuto_${name}`, type: 'gauge', help, labels: [], read: value };
}

const engineStates = ['starting', 'running', 'degraded', 'stopping', 'ended'] as const;

const engineRows: Metric[] = [
  {
    name: 'tenuto_engine_info',
    type: 'gauge',
    help: 'always 1; which engine this is, and in which format it renders',
    labels: ['engine', 'rate', 'quantum', 'channels', 'lead'],
    read: ({ status: { name: engine, rate, quantum, channels, lead } }) => [
      { labels: { engine, rate, quantum, channels, lead }, value: 1 },
    ],
  },
  {
    name: 'tenuto_engine_state',
    type: 'gauge',
    help: '1 for the state that the engine is in, 0 for all others',
    labels: ['state'],
    read: ({ status }) =>
      engineStates.map((state) => ({ labels: { state }, value: status.state === state ? 1 : 0 })),
  },
  gauge('tick', 'the last sealed tick, which wraps at 2^32', ({ status }) => status.tick),
  {
    name: 'tenuto_played_seconds_total',
    type: 'counter',
    help: 'content that was played',
    labels: [],
    read: ({ status }) => [{ value: status.playedSec }],
  },
  gauge('generation', 'the driver generation in charge', ({ status }) => status.generation),
  gauge('websocket_readers', 'readers of the WebSocket now', ({ readers }) => readers),
];

/** One sample for each process that can be asked. */
function processRow(
  row: Pick<Metric, 'name' | 'type' | 'help'>,
  read: (one: ProcessDetail) => number | null,
): Metric {
  return {
    ...row,
    name: `tenuto_process_${row.name}`,
    labels: ['process', 'role', 'state'],
    read: ({ processes }) => {
      const seen = new Set<string>();
      return processes.flatMap((one) => {
        const value = read(one);
        // Two rows are one process's while a place changes hands.
        if (value === null || seen.has(one.name)) return [];
        seen.add(one.name);
        const { name: process, role, state } = one;
        return [{ labels: { process, role, state }, value }];
      });
    },
  };
}

const processRows: Metric[] = [
  processRow(
    { name: 'starts_total', type: 'counter', help: 'how often the place of a process was filled' },
    ({ starts }) => starts,
  ),
  processRow(
    { name: 'age_seconds', type: 'gauge', help: 'how long a process has existed' },
    ({ ageSec }) => ageSec,
  ),
  processRow(
    { name: 'cpu_seconds_total', type: 'counter', help: 'processor time that a process has used' },
    ({ cpuSec }) => cpuSec,
  ),
  processRow(
    { name: 'resident_bytes', type: 'gauge', help: 'memory of a process, shared pages in full' },
    ({ residentBytes }) => residentBytes,
  ),
];

const deviceStates = ['none', 'playing', 'held', 'continuing'] as const;

const deviceRows: Metric[] = [
  {
    name: 'tenuto_device_state',
    type: 'gauge',
    help: '1 for how the engine stands with its device, 0 for all others',
    labels: ['device', 'state'],
    read: ({ status: { device } }) =>
      deviceStates.map((state) => ({
        labels: { device: device.name, state },
        value: device.state === state ? 1 : 0,
      })),
  },
  gauge(
    'device_rate_hertz',
    'the rate that the device runs at',
    ({ status }) => status.device.rateHz,
  ),
  gauge(
    'device_latency_seconds',
    'from giving a quantum to the device to the loudspeaker, as the device says',
    ({ status: { device, rate } }) => device.latencyFrames / rate,
  ),
  {
    name: 'tenuto_device_rate_error_ratio',
    type: 'gauge',
    help: 'how much faster than nominal the device runs, by the clock of this machine; none until it is known',
    labels: [],
    read: ({ status: { device } }) =>
      device.rateErrorPpm === null ? [] : [{ labels: {}, value: device.rateErrorPpm / 1e6 }],
  },
  gauge(
    'device_jitter_seconds',
    "mean deviation of the device's time stamps from an even pace",
    ({ status }) => status.device.jitterUs / 1e6,
  ),
  gauge(
    'device_fill_frames',
    "frames in the device's buffer",
    ({ status }) => status.device.fillFrames,
  ),
  gauge(
    'capture_fill_frames',
    'captured frames that wait to be taken',
    ({ status }) => status.device.captureFillFrames,
  ),
];

const streamStates = ['free', 'open', 'draining', 'discarding'] as const;

const streamRows: Metric[] = [
  {
    name: 'tenuto_streams',
    type: 'gauge',
    help: 'client streams in each state',
    labels: ['state'],
    read: ({ streams }) =>
      streamStates.map((state) => ({
        labels: { state },
        value: streams.filter((one) => one.state === state).length,
      })),
  },
  {
    name: 'tenuto_stream_buffered_frames',
    type: 'gauge',
    help: 'frames that a client stream holds and that are not played yet',
    labels: ['stream'],
    read: ({ streams }) =>
      streams
        .filter(({ state }) => state !== 'free')
        .map(({ stream, bufferedFrames }) => ({ labels: { stream }, value: bufferedFrames })),
  },
];

const recordingRows: Metric[] = [
  {
    name: 'tenuto_recording_frames_total',
    type: 'counter',
    help: 'frames that a recording holds',
    labels: ['recording'],
    read: ({ status }) =>
      status.recordings.map(({ frames }, recording) => ({ labels: { recording }, value: frames })),
  },
  {
    name: 'tenuto_recording_lost_frames_total',
    type: 'counter',
    help: 'frames that a recording came too late for',
    labels: ['recording'],
    read: ({ status }) =>
      status.recordings.map(({ lostFrames }, recording) => ({
        labels: { recording },
        value: lostFrames,
      })),
  },
];

/** One sample for each tripwire. */
function tripwireRow(
  row: Pick<Metric, 'name' | 'type' | 'help'>,
  read: (one: Status['tripwires'][number]) => number,
): Metric {
  return {
    ...row,
    name: `tenuto_tripwire_${row.name}`,
    labels: ['tripwire'],
    read: ({ status }) =>
      status.tripwires.map((one) => ({ labels: { tripwire: one.name }, value: read(one) })),
  };
}

const tripwireRows: Metric[] = [
  tripwireRow(
    { name: 'tripped', type: 'gauge', help: '1 while a tripwire is tripped' },
    ({ tripped }) => (tripped ? 1 : 0),
  ),
  tripwireRow(
    { name: 'value', type: 'gauge', help: 'what a tripwire watches: so many in the window, or ms' },
    ({ value }) => value,
  ),
  tripwireRow(
    { name: 'threshold', type: 'gauge', help: 'what trips a tripwire; 0 when it is off' },
    ({ threshold }) => threshold,
  ),
  tripwireRow(
    { name: 'trips_total', type: 'counter', help: 'how often a tripwire tripped' },
    ({ trips }) => trips,
  ),
];

/** Every metric of an engine. This one table gives `/metrics` and docs/metrics.md. */
export const metricsTable: readonly Metric[] = [
  ...engineRows,
  ...processRows,
  ...deviceRows,
  ...streamRows,
  ...recordingRows,
  ...tripwireRows,
  ...histogramRows,
  ...timerRows,
  ...counterRows,
];
