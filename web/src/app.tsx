import { Devices } from './devices.js';
import { trouble } from './engine.js';
import { Events } from './events.js';
import { Header } from './header.js';
import { Listen } from './listen.js';
import { Pace } from './pace.js';
import { Patch } from './patch.js';
import { Processes } from './processes.js';
import { Watch } from './watch.js';

/** What the engine answered to something that could not be. */
function Trouble() {
  if (trouble.value === '') return null;
  return (
    <div class="trouble" role="alert">
      <p>{trouble}</p>
      <button
        type="button"
        onClick={() => {
          trouble.value = '';
        }}
      >
        Dismiss
      </button>
    </div>
  );
}

/** The whole page: first what is heard, then what holds it, then what it is made of. */
export function App() {
  return (
    <>
      <a class="skip" href="#main">
        Skip to the engine
      </a>
      <Header />
      <main id="main">
        <Listen />
        <Processes />
        <Patch />
        <Pace />
        <Devices />
        <Watch />
        <Events />
      </main>
      <Trouble />
      <footer>
        <a href="/api/v1/openapi.json">Interface</a>
        <a href="/metrics">Metrics</a>
      </footer>
    </>
  );
}
