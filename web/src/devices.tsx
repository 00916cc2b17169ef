import { status, streams } from './engine.js';
import { counted, timeText } from './format.js';

const stateWords = {
  none: 'no device yet',
  playing: 'plays',
  held: 'away; the content waits',
  continuing: 'away; the stream goes on unheard',
} as const;

const rateText = (ppm: number | null) =>
  ppm === null ? 'its rate is not known yet' : `${ppm.toFixed(1)} ppm off`;

function Route({ steps }: { steps: string[] }) {
  return (
    <ol class="route">
      {steps.map((step) => (
        <li key={step}>{step}</li>
      ))}
    </ol>
  );
}

/** A stream by its name; a program on this machine that has a page of its own ends it with its address. */
function StreamName({ name }: { name: string }) {
  const [, words, address] = /^(.*) (http:\/\/127\.0\.0\.1:\d{1,5}\/)$/.exec(name) ?? [];
  return address === undefined ? <span>{name}</span> : <a href={address}>{words}</a>;
}

/** What it plays on, on which way, and what programs stream into it. */
export function Devices() {
  const now = status.value;
  const device = now?.device;
  const list = streams.value;
  return (
    <section aria-labelledby="devices-title">
      <div class="head">
        <h2 id="devices-title">Devices and streams</h2>
      </div>
      {now && device && (
        <>
          <Route
            steps={[
              counted(list.length, 'stream'),
              `patch, ${now.rate / 1000} kHz, ${now.quantum} frames`,
              `driver ${now.generation}`,
              `${device.name || 'no device'}${device.rateHz ? `, ${device.rateHz / 1000} kHz` : ''}`,
            ]}
          />
          <dl class="facts">
            <dt>State</dt>
            <dd class={device.state === 'playing' ? '' : 'bad'}>{stateWords[device.state]}</dd>
            <dt>Lead</dt>
            <dd>{timeText((now.lead * now.quantum) / now.rate)}</dd>
            <dt>Latency of the device</dt>
            <dd>{timeText(device.latencyFrames / now.rate)}</dd>
            <dt>Its clock</dt>
            <dd>{`${rateText(device.rateErrorPpm)}, jitter ${device.jitterUs} µs`}</dd>
            {device.failure && (
              <>
                <dt>Last failure</dt>
                <dd class="bad">{device.failure.message}</dd>
              </>
            )}
          </dl>
        </>
      )}
      {list.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Stream</th>
              <th scope="col">State</th>
              <th scope="col" class="num">
                Buffered
              </th>
            </tr>
          </thead>
          <tbody>
            {list.map((one) => (
              <tr key={one.stream}>
                <th scope="row">
                  <StreamName name={one.name || `stream ${one.stream}`} />
                </th>
                <td>{one.state}</td>
                <td class="num">{timeText(one.bufferedFrames / (now?.rate ?? 48_000))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
