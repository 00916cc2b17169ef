import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { palette } from './canvas.js';
import { status } from './engine.js';
import { timeText } from './format.js';

type HistogramName = 'quantumJitter' | 'outputLatency';
type Histogram = NonNullable<typeof status.value>['histograms'][HistogramName];

/** The least time that a bucket counts: eight buckets in each octave of microseconds. */
function bucketFromUs(bucket: number): number {
  if (bucket < 8) return bucket;
  return (8 + (bucket % 8)) * 2 ** (Math.floor(bucket / 8) - 1);
}

function quantile({ buckets, count }: Histogram, share: number): number {
  let below = 0;
  for (let bucket = 0; bucket < buckets.length; bucket++) {
    below += buckets[bucket]!;
    if (below >= share * count) return bucketFromUs(bucket + 1) / 1e6;
  }
  return 0;
}

function summary(histogram: Histogram): string {
  if (histogram.count === 0) return 'nothing measured yet';
  const [median, most] = [quantile(histogram, 0.5), quantile(histogram, 0.999)];
  return `half below ${timeText(median)}, 999 of 1000 below ${timeText(most)}`;
}

/** Four buckets in one, from the first that counted: at most some sixty columns. */
function columns({ buckets }: Histogram): [number[], number[]] {
  const first = Math.max(0, buckets.findIndex((times) => times > 0) - 2);
  const edges: number[] = [];
  const times: number[] = [];
  for (let bucket = first; bucket <= buckets.length; bucket++) {
    edges.push(Math.max(0.5, bucketFromUs(bucket)));
    times.push(buckets[bucket] ?? 0);
  }
  return [edges, times.map((one) => (one === 0 ? 0 : Math.log10(one) + 1))];
}

function optionsOf(width: number): uPlot.Options {
  const colours = palette();
  const axis = {
    stroke: colours.ink,
    grid: { stroke: colours.faint, width: 1 },
    ticks: { show: false },
    size: 28,
  };
  return {
    width,
    height: 150,
    cursor: { show: false },
    legend: { show: false },
    scales: {
      x: { time: false, distr: 3, log: 10 },
      y: { range: (_, __, most) => [0, Math.max(2, most)] },
    },
    axes: [
      {
        ...axis,
        values: (_, splits) => splits.map((us) => (us === null ? '' : timeText(us / 1e6))),
      },
      {
        ...axis,
        size: 44,
        splits: (_, __, ___, most) => Array.from({ length: Math.floor(most) + 1 }, (_x, i) => i),
        values: (_, splits) =>
          splits.map((one) =>
            one === 0
              ? '0'
              : one % 2 === 1
                ? (10 ** (one - 1)).toLocaleString('en', { notation: 'compact' })
                : '',
          ),
      },
    ],
    series: [
      {},
      {
        stroke: colours.accent,
        fill: `${colours.accent}33`,
        width: 1.4,
        paths: uPlot.paths.stepped!({ align: 1 }),
        points: { show: false },
      },
    ],
  };
}

function Chart({ name, title }: { name: HistogramName; title: string }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const histogram = status.value?.histograms[name];
  useEffect(() => {
    const box = place.current!;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(
        optionsOf(box.clientWidth),
        [
          [1, 10],
          [0, 0],
        ],
        box,
      );
    };
    make();
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', make);
    const resized = new ResizeObserver(() => {
      plot.current?.setSize({ width: box.clientWidth, height: 150 });
    });
    resized.observe(box);
    return () => {
      dark.removeEventListener('change', make);
      resized.disconnect();
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => {
    if (histogram && histogram.count > 0) plot.current?.setData(columns(histogram));
  }, [histogram]);
  const words = histogram ? summary(histogram) : '';
  return (
    <figure>
      <figcaption>
        <strong>{title}</strong> <span>{words}</span>
      </figcaption>
      <div ref={place} role="img" aria-label={`${title}: ${words}`} />
    </figure>
  );
}

/** How evenly the quanta come, and how late they are heard. */
export function Pace() {
  return (
    <section aria-labelledby="pace-title">
      <div class="head">
        <h2 id="pace-title">Timing</h2>
        <p class="aside">every quantum since the start, counted</p>
      </div>
      <div class="charts">
        <Chart name="quantumJitter" title="Jitter of a quantum" />
        <Chart name="outputLatency" title="Latency" />
      </div>
    </section>
  );
}
