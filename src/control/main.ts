import { attach } from '../engine/attach.js';
import { childExit } from '../engine/keeper-core.js';
import { clock, Directive } from '../memory/layout.js';
import { tellReady, writeScheduling } from '../memory/process-table.js';
import { createLogger, type LogSettings } from '../observe/log.js';
import { TripwireWatch } from '../observe/tripwires.js';
import { abstractPath, engineAddress, monotonicNs } from '../os/index.js';
import { EventLog } from './event-log.js';
import { ControlServer } from './server.js';
import { Steward } from './steward.js';

/** How often it looks what happened, and shows that it lives. */
const lookMs = 250;
const deviceLookMs = 20;

async function main(): Promise<void> {
  const { segment, order } = attach('control', { locked: false });
  const { words, layout } = segment;
  const log = order.log as LogSettings;
  const logger = createLogger({ role: 'control', engine: order.engine }, log);
  const told = order.place > 0 ? Atomics.load(words, layout.eventHead) : 0;
  const events = new EventLog(segment, logger, told);
  const watch = new TripwireWatch(segment);
  const server = new ControlServer(segment, order.engine);
  await server.listen(abstractPath(engineAddress(order.engine, 'control')));
  writeScheduling(segment, order.row, 'other');
  tellReady(segment, order.row);
  const steward = new Steward(segment, order.device.names, order.device.retryMs);
  setInterval(() => steward.poll(), deviceLookMs);
  setInterval(() => {
    Atomics.add(words, layout.clock + clock.controlBeat, 1);
    events.poll();
    for (const { name, ...fields } of watch.look(monotonicNs() / 1e6)) {
      logger.warn(`tripwire ${name}`, fields);
    }
  }, lookMs);
  process.on('SIGTERM', () => {
    events.poll();
    server.close();
    const ends = Atomics.load(words, layout.clock + clock.directive) >= Directive.end;
    process.exit(ends ? childExit.finished : childExit.again);
  });
}

await main();
