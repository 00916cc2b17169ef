import { engineName, link, status } from './engine.js';
import { clockText } from './format.js';

const linkWords = {
  connecting: 'Connecting',
  open: '',
  away: 'Control is away. The sound goes on; connecting again.',
  refused: 'This engine asks for its token: open the address with #token=… behind it.',
} as const;

function Figure({ name, value, bad = false }: { name: string; value: string; bad?: boolean }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd class={bad ? 'bad' : ''}>{value}</dd>
    </div>
  );
}

/** Who plays, for how long, and whether anything of it was lost. */
export function Header() {
  const now = status.value;
  const words = linkWords[link.value];
  const counters = now?.counters;
  return (
    <header>
      <div class="title">
        <h1>
          <span class="mark" aria-hidden="true" />
          Tenuto
        </h1>
        <p class="engine">
          {engineName}
          <span class={`state ${now?.state ?? ''}`}>{now?.state ?? ''}</span>
        </p>
      </div>
      <dl class="figures">
        <Figure name="Played" value={now ? clockText(now.playedSec) : '–'} />
        <Figure
          name="Underruns"
          value={counters ? counters.underruns.toLocaleString('en') : '–'}
          bad={(counters?.underruns ?? 0) > 0}
        />
        <Figure
          name="Processes replaced"
          value={counters ? counters.restarts.toLocaleString('en') : '–'}
        />
        <Figure name="Takeovers" value={counters ? counters.takeovers.toLocaleString('en') : '–'} />
      </dl>
      <p class={words === '' ? 'link' : 'link shown'} role="status">
        {words}
      </p>
    </header>
  );
}
