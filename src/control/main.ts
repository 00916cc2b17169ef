import { attach, partsOf } from '../engine/attach.js';
import { childExit } from '../engine/keeper-core.js';
import type { ControlOrder } from '../engine/orders.js';
import { doorNames, readAddresses, writeAddress } from '../memory/addresses.js';
import { clock, Directive, laneCount } from '../memory/layout.js';
import { tellReady, writeScheduling } from '../memory/process-table.js';
import { createLogger, type LogSettings } from '../observe/log.js';
import { readStatus } from '../observe/status.js';
import { TripwireWatch } from '../observe/tripwires.js';
import {
  abstractPath,
  engineAddress,
  isAlive,
  monotonicNs,
  monotonicUs,
  wallNs,
} from '../os/index.js';
import { Bus } from './bus/bus.js';
import { ClockMap } from './bus/clock-map.js';
import { EngineState } from './bus/engine-state.js';
import { StateFile } from './bus/state-file.js';
import { openDatagramDoors } from './doors.js';
import { EventLog } from './event-log.js';
import type { HttpWorld } from './http/door.js';
import { watchKernel } from './kernel-watch.js';
import { ProgramBooks } from './program-books.js';
import { ProgramDesk } from './program-desk.js';
import { ControlServer } from './server.js';
import { Steward } from './steward.js';
import { StreamDesk } from './stream-desk.js';
import { StreamDoor } from './stream-door.js';

/**
 * Opens the door of browsers and scrapers, last of all: to load it takes longer than all that the
 * engine itself needs of control. On a busy machine that is long enough for the keeper to take it
 * for hung, so it is loaded in parts, and `beat` is called between them.
 */
async function openHttp(
  world: Omit<HttpWorld, 'order'>,
  control: ControlOrder | null,
  beat: () => void,
): Promise<void> {
  if (control?.http == null) return;
  for (const load of [() => import('fastify'), () => import('ws'), () => import('prom-client')]) {
    await load();
    beat();
  }
  const { HttpDoor } = await import('./http/door.js');
  beat();
  await new HttpDoor({ ...world, order: { ...control, http: control.http } }).open();
}

/** How often it looks what happened, and shows that it lives. */
const lookMs = 250;

async function main(): Promise<void> {
  const { segment, order, streams, wake } = attach('control', {
    locked: false,
    writesStreams: true,
  });
  const { words, layout } = segment;
  const log = order.log as LogSettings;
  const logger = createLogger({ role: 'control', engine: order.engine }, log);
  const told = order.place > 0 ? Atomics.load(words, layout.eventHead) : 0;
  const events = new EventLog(segment, logger, told);
  const watch = new TripwireWatch(segment);
  const books = new ProgramBooks(segment);
  await books.loadAll();
  const desk = new StreamDesk(segment, streams, () => books.namedStreams(), {
    nowMs: () => performance.now(),
    isAlive,
  });
  const door = new StreamDoor(desk, order);
  const state = new EngineState(segment, (number) => books.get(number));
  const programs = new ProgramDesk(segment, books, order.patch, (message, fields) =>
    logger.error(message, fields),
  );
  const clockMap = new ClockMap(segment, { monotonicUs, wallNs });
  const bus = new Bus(segment, {
    lane: order.place % laneCount,
    state,
    clock: clockMap,
    programs,
    onRefused: (what) => logger.debug('a command was refused', what),
  });
  programs.begin(bus);
  const { stateFile: path } = order.control!;
  const stateFile =
    path === null
      ? null
      : new StateFile(bus, path, order.engine, ({ message }) =>
          logger.warn(`the state could not be kept: ${message}`),
        );
  const before = readAddresses(segment);
  for (const door of doorNames) writeAddress(segment, door, null);
  const server = new ControlServer(segment, order.engine, door, bus);
  await server.listen(abstractPath(engineAddress(order.engine, 'control')));
  const closeDoors = await openDatagramDoors(order.control!, {
    segment,
    bus,
    logger,
    before,
    status: () => readStatus(segment, order.engine),
  });
  writeScheduling(segment, order.row, 'other');
  tellReady(segment, order.row);
  const { policy, first } = order.device;
  const meant = first.map(({ name }) => name);
  const steward = new Steward(segment, policy, meant, {
    wake,
    tell: (message, fields) => logger.info(message, fields),
  });
  const world = {
    segment,
    engine: order.engine,
    streams,
    logger,
    bus,
    before: before.http,
    parts: partsOf(order),
    programOf: (number: number) => books.get(number)?.program,
  };
  const beat = () => Atomics.add(words, layout.clock + clock.controlBeat, 1);
  setImmediate(() => void openHttp(world, order.control, beat));
  const kernel = watchKernel(segment, order.control!.kernelLog, logger);
  setInterval(() => {
    beat();
    events.poll();
    door.look();
    clockMap.look();
    bus.look();
    programs.look();
    stateFile?.look(performance.now());
    for (const { name, ...fields } of watch.look(monotonicNs() / 1e6)) {
      logger.warn(`tripwire ${name}`, fields);
    }
  }, lookMs);
  process.on('SIGTERM', () => {
    events.poll();
    kernel?.[Symbol.dispose]();
    server.close();
    closeDoors();
    stateFile?.close();
    bus.close();
    steward.close();
    const ends = Atomics.load(words, layout.clock + clock.directive) >= Directive.end;
    process.exit(ends ? childExit.finished : childExit.again);
  });
}

await main();
