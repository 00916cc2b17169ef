/**
 * Runs an engine for some seconds with its processes' garbage collections traced on standard
 * error: `node traced-engine.mjs SECONDS`. The last line says which process was what.
 */
import { startDemo, whole } from './engines.mjs';

const engine = await startDemo({ seconds: Number(process.argv[2]), traceGc: '.' });
await whole(engine);
const { processes } = engine.status();
const { report } = await engine.ended;
console.log(JSON.stringify({ processes, restarts: engine.status().counters, report }));
