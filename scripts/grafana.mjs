// Makes packaging/grafana.json, the dashboard of the metrics, from the list of panels below.
//
//   node scripts/grafana.mjs --write    writes it
//   node scripts/grafana.mjs --check    ends with 1 when it is not current
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const file = join(dirname(dirname(fileURLToPath(import.meta.url))), 'packaging', 'grafana.json');
const source = { type: 'prometheus', uid: '$source' };
const here = '{instance=~"$instance"}';

/** Panels in rows of 24 columns: title, unit, width, height, what is drawn and its legend. */
const panels = [
  [
    'stat',
    'State',
    'none',
    4,
    4,
    [[`tenuto_engine_state{instance=~"$instance"} == 1`, '{{state}}']],
  ],
  ['stat', 'Played', 's', 4, 4, [[`tenuto_played_seconds_total${here}`, '']]],
  ['stat', 'Underruns', 'none', 4, 4, [[`tenuto_underruns_total${here}`, '']]],
  ['stat', 'Takeovers', 'none', 4, 4, [[`tenuto_takeovers_total${here}`, '']]],
  [
    'stat',
    'Processes replaced',
    'none',
    4,
    4,
    [
      [
        `sum(tenuto_restarts_replica_total${here} + tenuto_restarts_driver_total${here} + tenuto_restarts_control_total${here} + tenuto_restarts_service_total${here})`,
        '',
      ],
    ],
  ],
  ['stat', 'Tripwires tripped', 'none', 4, 4, [[`sum(tenuto_tripwire_tripped${here})`, '']]],
  [
    'timeseries',
    'Jitter of a quantum',
    's',
    12,
    8,
    [
      [
        `histogram_quantile(0.5, rate(tenuto_quantum_jitter_seconds_bucket${here}[$__rate_interval]))`,
        'median',
      ],
      [
        `histogram_quantile(0.99, rate(tenuto_quantum_jitter_seconds_bucket${here}[$__rate_interval]))`,
        '99 of 100',
      ],
    ],
  ],
  [
    'timeseries',
    'Latency',
    's',
    12,
    8,
    [
      [
        `histogram_quantile(0.99, rate(tenuto_output_latency_seconds_bucket${here}[$__rate_interval]))`,
        'whole',
      ],
      [`tenuto_device_latency_seconds${here}`, 'of the device'],
    ],
  ],
  [
    'timeseries',
    'Processor',
    'percentunit',
    12,
    8,
    [[`rate(tenuto_process_cpu_seconds_total${here}[$__rate_interval])`, '{{process}}']],
  ],
  [
    'timeseries',
    'Memory',
    'bytes',
    12,
    8,
    [[`tenuto_process_resident_bytes${here}`, '{{process}}']],
  ],
  [
    'timeseries',
    'What went wrong',
    'none',
    12,
    8,
    [
      [`increase(tenuto_underruns_total${here}[$__rate_interval])`, 'underruns'],
      [`increase(tenuto_xruns_total${here}[$__rate_interval])`, 'xruns'],
      [`increase(tenuto_failovers_total${here}[$__rate_interval])`, 'failovers'],
      [`increase(tenuto_device_lost_total${here}[$__rate_interval])`, 'devices lost'],
    ],
  ],
  [
    'timeseries',
    'Streams and readers',
    'none',
    12,
    8,
    [
      [`tenuto_streams{instance=~"$instance",state!="free"}`, 'streams {{state}}'],
      [`tenuto_websocket_readers${here}`, 'readers'],
    ],
  ],
  [
    'timeseries',
    "Device's clock",
    'none',
    12,
    8,
    [[`tenuto_device_rate_error_ratio${here} * 1e6`, 'ppm']],
  ],
  [
    'timeseries',
    'Commands and requests a second',
    'reqps',
    12,
    8,
    [
      [`rate(tenuto_commands_total${here}[$__rate_interval])`, 'commands'],
      [`rate(tenuto_http_requests_total${here}[$__rate_interval])`, 'requests'],
    ],
  ],
];

function placed() {
  let [x, y, high] = [0, 0, 0];
  return panels.map(([type, title, unit, w, h, targets], index) => {
    if (x + w > 24) [x, y, high] = [0, y + high, 0];
    const gridPos = { x, y, w, h };
    [x, high] = [x + w, Math.max(high, h)];
    return {
      id: index + 1,
      type,
      title,
      datasource: source,
      gridPos,
      fieldConfig: { defaults: { unit }, overrides: [] },
      options: type === 'stat' && title === 'State' ? { textMode: 'name' } : {},
      targets: targets.map(([expr, legendFormat], i) => ({
        refId: String.fromCharCode(65 + i),
        datasource: source,
        expr,
        legendFormat,
      })),
    };
  });
}

const dashboard = {
  uid: 'tenuto',
  title: 'Tenuto',
  tags: ['audio'],
  schemaVersion: 39,
  version: 1,
  refresh: '10s',
  time: { from: 'now-1h', to: 'now' },
  templating: {
    list: [
      { name: 'source', type: 'datasource', query: 'prometheus', label: 'Source' },
      {
        name: 'instance',
        type: 'query',
        label: 'Engine',
        datasource: source,
        query: { query: 'label_values(tenuto_engine_info, instance)', refId: 'instance' },
        includeAll: true,
        multi: true,
        current: { text: 'All', value: '$__all' },
      },
    ],
  },
  panels: placed(),
};

const text = `${JSON.stringify(dashboard, null, 2)}\n`;
if (process.argv.includes('--write')) writeFileSync(file, text);
else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  process.stdout.write(
    'packaging/grafana.json is not current: run `node scripts/grafana.mjs --write`\n',
  );
  process.exitCode = 1;
}
