import { useState } from 'preact/hooks';
import { events } from './engine.js';

const shownMax = 40;

/** What happened, the newest first. */
export function Events() {
  const [all, setAll] = useState(false);
  const list = events.value.filter(({ level }) => all || level !== 'debug');
  const newest = list.slice(-shownMax).reverse();
  const alarm = events.value.findLast(({ level }) => level === 'warn' || level === 'error');
  return (
    <section aria-labelledby="events-title">
      <div class="head">
        <h2 id="events-title">Events</h2>
        <label class="check">
          <input type="checkbox" checked={all} onChange={() => setAll(!all)} />
          <span>everything</span>
        </label>
      </div>
      <p class="unseen" role="status">
        {alarm?.text ?? ''}
      </p>
      <ol class="events">
        {newest.map(({ sequence, atMs, level, text }) => (
          <li key={sequence} class={level}>
            <time dateTime={new Date(atMs).toISOString()}>
              {new Date(atMs).toLocaleTimeString('en-GB')}
            </time>
            <span>{text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
