import type { MeasureSettings } from '../../../src/settings/measure.js';
import {
  ask,
  isCalibrated,
  isRunning,
  latency,
  link,
  lost,
  message,
  readings,
  settings,
} from './link.js';
import { Picture } from './pictures.js';

type NumberKey = {
  [Key in keyof MeasureSettings]: MeasureSettings[Key] extends number ? Key : never;
}[keyof MeasureSettings];

const fields: [NumberKey, string, string][] = [
  ['updateHz', 'a second', 'rangings'],
  ['minM', 'm', 'from'],
  ['maxM', 'm', 'to'],
  ['startHz', 'Hz', 'chirp from'],
  ['endHz', 'Hz', 'to'],
  ['durationMs', 'ms', 'length'],
  ['amplitude', '', 'amplitude'],
  ['temperatureC', '°C', 'temperature'],
  ['filterSize', '', 'median of'],
];

function Numbers() {
  const last = readings.value.at(-1);
  const echo = last?.distanceM ?? null;
  const rows: [string, string][] = [
    ['time of flight', last?.flightSec == null ? '–' : `${(last.flightSec * 1000).toFixed(4)} ms`],
    ['raw', echo === null ? '–' : `${echo.toFixed(4)} m`],
    [
      'peak',
      last?.level == null ? '–' : `${(20 * Math.log10(Math.abs(last.level))).toFixed(1)} dB`,
    ],
    ['signal to noise', last?.snrDb == null ? '–' : `${last.snrDb.toFixed(0)} dB`],
    ['confidence', last === undefined ? '–' : `${(100 * last.confidence).toFixed(2)} %`],
    ['speed of sound', last?.speedMps == null ? '–' : `${last.speedMps.toFixed(2)} m/s`],
    ['generation', last?.generation == null ? '–' : `${last.generation}`],
    ['count', `${last?.count ?? 0}, ${lost.value} lost`],
  ];
  return (
    <div class="numbers">
      <output class="reading" aria-live="off">
        {last === undefined
          ? '–'
          : last.failure !== null
            ? last.failure.message
            : echo === null
              ? 'no echo'
              : `${last.smoothedM!.toFixed(4)} m`}
      </output>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function Buttons() {
  const stopped = !isRunning.value;
  return (
    <div class="buttons">
      <button type="button" class="go" disabled={!stopped} onClick={() => ask({ do: 'start' })}>
        Start
      </button>
      <button type="button" class="halt" disabled={stopped} onClick={() => ask({ do: 'stop' })}>
        Stop
      </button>
      <button type="button" disabled={!stopped} onClick={() => ask({ do: 'latency' })}>
        Measure latency
      </button>
      <button type="button" onClick={() => ask({ do: 'calibrate' })}>
        Calibrate without target
      </button>
      <button type="button" onClick={() => ask({ do: 'clear' })}>
        Clear history
      </button>
      <a class="button" href="/export.csv" download="sonar.csv">
        Export CSV
      </a>
      <a class="button" href="/export.wav" download="sonar.wav">
        Export WAV
      </a>
    </div>
  );
}

function Parameters() {
  const chosen = settings.value;
  if (chosen === null) return null;
  return (
    <form class="parameters" onSubmit={(event) => event.preventDefault()}>
      {fields.map(([key, unit, name]) => (
        <label key={key}>
          {name}
          <input
            type="number"
            step="any"
            name={key}
            value={chosen[key]}
            onChange={({ currentTarget }) =>
              ask({ do: 'set', settings: { [key]: currentTarget.valueAsNumber } })
            }
          />
          {unit}
        </label>
      ))}
      <label>
        echo
        <select
          value={chosen.echo}
          onChange={({ currentTarget }) =>
            ask({ do: 'set', settings: { echo: currentTarget.value as MeasureSettings['echo'] } })
          }
        >
          <option>strongest</option>
          <option>first</option>
        </select>
      </label>
    </form>
  );
}

/** The sonar: what it measures, and what it is told to do. */
export function SonarPage() {
  const trip = latency.value;
  return (
    <main class="sonar">
      <header class="head">
        <h1>Sonar</h1>
        <p>
          {isCalibrated.value ? 'calibrated' : 'not calibrated'}{' '}
          <span class={`state ${isRunning.value ? 'running' : ''}`}>
            {link.value !== 'open' ? 'away' : isRunning.value ? 'running' : 'stopped'}
          </span>
        </p>
      </header>
      <section>
        <Buttons />
        <Numbers />
        {trip === null ? null : (
          <p class="trip">
            round trip {trip.frames.toFixed(3)} frames, {trip.ms.toFixed(4)} ms
          </p>
        )}
        <p class="message" role="status">
          {message.value}
        </p>
      </section>
      <section>
        <Picture kind="profile" title="Echo profile, dB by what is sent" />
        <Picture kind="waterfall" title="Waterfall, the last below" />
      </section>
      <section class="pair">
        <Picture kind="distance" title="Distance" />
        <Picture kind="flight" title="Time of flight" />
      </section>
      <section>
        <Parameters />
      </section>
    </main>
  );
}
