import { type Metric as PromMetric, Registry } from 'prom-client';
import { type Metric, type MetricsSource, metricsTable } from './metrics-table.js';

/**
 * A row of the table as the registry takes it. The engine has counted already; the library's own
 * metrics, which count for themselves, would have to be set back and raised again at every scrape.
 */
function collector({ name, type, help, read }: Metric, source: () => MetricsSource): PromMetric {
  const values = () =>
    read(source()).map(({ value, labels = {}, suffix = '' }) => ({
      value,
      labels,
      metricName: `${name}${suffix}`,
    }));
  const get = () => Promise.resolve({ name, help, type, values: values(), aggregator: 'sum' });
  return { name, help, type, get, reset: () => {} } as unknown as PromMetric;
}

/** All metrics in the format that Prometheus scrapes. */
export class Metrics {
  /** What `/metrics` answers as its content type. */
  readonly contentType: string;
  private readonly registry = new Registry();
  private read: MetricsSource | null = null;

  constructor(private readonly source: () => MetricsSource) {
    this.contentType = this.registry.contentType;
    for (const row of metricsTable) {
      this.registry.registerMetric(collector(row, () => this.read!));
    }
  }

  /** One scrape: everything as it is at one moment. */
  async text(): Promise<string> {
    this.read = this.source();
    return this.registry.metrics();
  }
}
