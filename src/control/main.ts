import { attach } from '../engine/attach.js';
import { childExit } from '../engine/keeper-core.js';
import { clock, Directive } from '../memory/layout.js';
import { abstractPath, engineAddress } from '../os/index.js';
import { ControlServer } from './server.js';

/** How often it looks whether it is to end. */
const lookMs = 20;

async function main(): Promise<void> {
  const { segment, order } = attach('control', { locked: false });
  const { words, layout } = segment;
  const server = new ControlServer(segment, order.engine);
  await server.listen(abstractPath(engineAddress(order.engine, 'control')));
  Atomics.store(words, layout.clock + clock.controlReady, order.place + 1);
  const timer = setInterval(() => {
    if (Atomics.load(words, layout.clock + clock.directive) < Directive.end) return;
    clearInterval(timer);
    server.close();
    process.exit(childExit.finished);
  }, lookMs);
}

await main();
