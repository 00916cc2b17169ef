import type { ProcessDetail } from '../../src/observe/processes.js';
import { harm, isDemo, processes, shares, status } from './engine.js';
import { ageText } from './format.js';

const duties: Record<string, string> = {
  keeper: 'starts, watches and replaces all others',
  driver: 'gives the device what is due',
  standby: 'stands by to take the device over',
  replica: 'renders the patch',
  spare: 'waits, warm, for a replica to fail',
  control: 'answers this page',
  service: 'records what is played',
};

function dutyOf({ role, state, slot }: ProcessDetail): string {
  if (role === 'driver' && state === 'standby') return duties.standby!;
  if (role === 'replica' && slot === null) return duties.spare!;
  return duties[role] ?? '';
}

const roleOrder = ['keeper', 'driver', 'replica', 'control', 'service'];

/** By what they do, those that play before those that wait; a place keeps its row. */
function inOrder(list: readonly ProcessDetail[]): ProcessDetail[] {
  const rank = ({ role, state, slot }: ProcessDetail) =>
    roleOrder.indexOf(role) * 100 +
    (role === 'driver' && state !== 'running' ? 50 : 0) +
    (role === 'replica' ? (slot ?? 50) : 0);
  return [...list].sort((a, b) => rank(a) - rank(b));
}

function wordsOf(one: ProcessDetail): string {
  if (one.state === 'gave-up') return 'given up';
  if (one.state === 'abandoned') return 'left behind';
  return one.primary ? 'running, read first' : one.state;
}

function HarmButtons({ one }: { one: ProcessDetail }) {
  if (!isDemo.value) return null;
  if (one.role === 'keeper') return <div class="harm" />;
  const gone = one.pid <= 1;
  return (
    <div class="harm">
      <button type="button" disabled={gone} onClick={() => void harm(one.pid, 'kill')}>
        Kill<span class="unseen"> {one.name}</span>
      </button>
      <button type="button" disabled={gone} onClick={() => void harm(one.pid, 'hang')}>
        Hang<span class="unseen"> {one.name}</span>
      </button>
    </div>
  );
}

function Row({ one }: { one: ProcessDetail }) {
  const share = shares.value.get(one.pid);
  const fresh = one.ageSec !== null && one.ageSec < 3;
  const { lastEnd } = one;
  return (
    <li class={`process ${one.role === 'keeper' ? 'root' : ''} ${fresh ? 'fresh' : ''}`}>
      <span class={`dot ${one.state}`} aria-hidden="true" />
      <div class="who">
        <strong>{one.name}</strong>
        <span class="duty">{dutyOf(one)}</span>
      </div>
      <span class="is">{wordsOf(one)}</span>
      <span class="num age" title="Age">
        <span class="unseen">age </span>
        {one.ageSec === null ? '–' : ageText(one.ageSec)}
      </span>
      <span class="num cpu" title="Share of a processor core">
        {share === undefined ? '' : `${(share * 100).toFixed(1)} %`}
        {share !== undefined && <span class="unseen"> of a core</span>}
      </span>
      <span class="end">
        {lastEnd === null ? '' : `last one ${lastEnd.how}, ${ageText(lastEnd.agoSec)} ago`}
      </span>
      <HarmButtons one={one} />
    </li>
  );
}

/** Who holds the sound. In the demo, each may be killed, for everybody to hear that nothing is. */
export function Processes() {
  const counters = status.value?.counters;
  const [keeper, ...rest] = inOrder(processes.value);
  const lost = counters?.underruns ?? 0;
  const words =
    counters === undefined || counters.restarts === 0
      ? 'Kill or hang any of them: not one sample is lost.'
      : `${counters.restarts} replaced so far, ${lost === 0 ? 'and not one sample was lost' : `${lost} underruns`}.`;
  return (
    <section aria-labelledby="processes-title">
      <div class="head">
        <h2 id="processes-title">Processes</h2>
        {isDemo.value && <p class="aside">{words}</p>}
      </div>
      <ul class={`processes ${isDemo.value ? 'demo' : ''}`}>
        {keeper && <Row key="keeper" one={keeper} />}
        {rest.map((one, place) => (
          <Row key={place} one={one} />
        ))}
      </ul>
    </section>
  );
}
