import { useState } from 'preact/hooks';
import { status } from './engine.js';
import { ageText, plain } from './format.js';

function words(name: string): string {
  return name.replaceAll('_', ' ').replace(/ ms (avg|max)$/, ', $1');
}

function Tripwires() {
  const [all, setAll] = useState(false);
  const wires = status.value?.tripwires ?? [];
  const told = wires.filter(({ trips }) => trips > 0);
  const shown = all ? wires : told;
  const tripped = wires.filter((one) => one.tripped).length;
  return (
    <div>
      <div class="head">
        <h2 id="watch-title">Tripwires</h2>
        <p class={`aside ${tripped > 0 ? 'bad' : ''}`}>
          {tripped > 0 ? `${tripped} tripped` : `${wires.length} watched, none tripped`}
        </p>
      </div>
      {shown.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col" class="num">
                Now
              </th>
              <th scope="col" class="num">
                Trips at
              </th>
              <th scope="col">Tripped</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <tr key={one.name}>
                <th scope="row">{words(one.name)}</th>
                <td class="num">{plain(one.value)}</td>
                <td class="num">{one.threshold === 0 ? 'off' : plain(one.threshold)}</td>
                <td class={one.tripped ? 'bad' : ''}>
                  {one.sinceSec !== null
                    ? `for ${ageText(one.sinceSec)}`
                    : one.trips > 0
                      ? `${one.trips} ×`
                      : ''}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <button type="button" class="more" aria-expanded={all} onClick={() => setAll(!all)}>
        {all ? 'Show those that tripped' : 'Show all'}
      </button>
    </div>
  );
}

const timerWords: Record<string, string> = {
  recreateTotal: 'change of device',
  callbackResample: 'rate conversion of a quantum',
  deviceOpen: 'opening of a device',
  takeoverGap: 'gap of a takeover',
};

function Timers() {
  const timers = Object.entries(status.value?.timers ?? {}).filter(([, { count }]) => count > 0);
  return (
    <div>
      <div class="head">
        <h2>Timers</h2>
      </div>
      <table>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col" class="num">
              Times
            </th>
            <th scope="col" class="num">
              Average
            </th>
            <th scope="col" class="num">
              Longest
            </th>
          </tr>
        </thead>
        <tbody>
          {timers.map(([name, { count, averageMs, maxMs }]) => (
            <tr key={name}>
              <th scope="row">{timerWords[name] ?? name}</th>
              <td class="num">{count.toLocaleString('en')}</td>
              <td class="num">{`${plain(averageMs)} ms`}</td>
              <td class="num">{`${plain(maxMs)} ms`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What is watched, and how long things take. */
export function Watch() {
  return (
    <section aria-labelledby="watch-title" class="pair">
      <Tripwires />
      <Timers />
    </section>
  );
}
