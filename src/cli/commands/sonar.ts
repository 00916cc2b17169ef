import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { TenutoError } from '../../errors.js';
import type { Ranging, SonarListener, SonarReading } from '../../measure/index.js';
import { WavWriter } from '../../media/index.js';
import type { Settings } from '../../settings/index.js';
import { Interrupt } from '../interrupt.js';
import {
  addRangingOptions,
  type MeasureOptions,
  measureFlags,
  openMeasureStream,
  readMeasureSettings,
} from '../measure-session.js';
import { readingText } from '../measure-text.js';
import { addCommonOptions, addSettingOptions, positiveNumber, wholeNumber } from '../options.js';
import { Screen } from '../screen.js';
import type { SonarDoor } from '../sonar-door.js';
import { SonarView } from '../sonar-view.js';
import { say, sayJson } from '../terminal.js';

type SonarClass = import('../../measure/index.js').Sonar;

/** It runs for hours and has no need to answer at once: it is woken a quarter as often as other engines. */
const sonarDefaults = { 'engine.quantumFrames': 512 };

interface SonarCommand extends MeasureOptions {
  updateHz?: number;
  count?: number;
  seconds?: number;
  export?: string;
  kernelLog: boolean;
  web?: true;
  port: number;
}

/** `NAME.csv` with the readings and `NAME.wav` with the last recordings. */
function exportReadings(sonar: SonarClass, name: string, rate: number): string {
  writeFileSync(`${name}.csv`, sonar.toCsv());
  using writer = WavWriter.create(`${name}.wav`, { rate, channels: 1, samples: 'f32' });
  writer.append(sonar.sounds());
  writer.sync();
  return `${sonar.history.length} readings in ${name}.csv, the last recordings in ${name}.wav`;
}

/** Follows the kernel's log while the sonar runs; where it may not be read, that is told once. */
async function watchKernel(
  { measure }: Settings,
  tell: (message: string) => void,
  stop: (reason: string) => void,
): Promise<Disposable> {
  const { KernelLog } = await import('../../observe/kernel-log.js');
  try {
    return new KernelLog(measure.kernelLog, measure.kernelPatterns, ({ message }) => {
      tell(`the kernel tells of a fault: ${message}`);
      if (measure.onKernelFault === 'stop') stop(`the kernel tells of a fault: ${message}`);
    });
  } catch (error) {
    if (!(error instanceof TenutoError) || error.code === 'TENUTO_SETTINGS_INVALID') throw error;
    tell(`the kernel's log is not followed: ${error.message}`);
    return { [Symbol.dispose]: () => {} };
  }
}

/** What a key does. */
function press(
  key: string,
  sonar: SonarClass,
  actions: { end(): void; export(): void; tell(text: string): void; clear(): void },
) {
  const { settings } = sonar;
  const attempt = (work: () => unknown) => {
    try {
      void Promise.resolve(work()).catch((error) => actions.tell(String(error.message)));
    } catch (error) {
      actions.tell((error as Error).message);
    }
  };
  const keys: Record<string, () => unknown> = {
    q: actions.end,
    '\u0003': actions.end,
    ' ': () => (sonar.isRunning ? sonar.stop('stopped by key') : sonar.start()),
    '+': () => sonar.set({ updateHz: Math.min(50, sonar.rateMaxHz, settings.updateHz * 1.25) }),
    '-': () => sonar.set({ updateHz: Math.max(0.1, settings.updateHz / 1.25) }),
    '>': () => sonar.set({ maxM: settings.maxM * 1.25 }),
    '<': () => sonar.set({ maxM: settings.maxM / 1.25 }),
    c: () => sonar.calibrate(),
    l: async () => {
      const { frames, ms } = await sonar.measureLatency();
      actions.tell(`round trip ${frames.toFixed(3)} frames, ${ms.toFixed(4)} ms`);
    },
    x: actions.clear,
    e: actions.export,
  };
  const action = keys[key];
  if (action !== undefined) attempt(action);
}

async function run(options: SonarCommand): Promise<void> {
  const settings = await readMeasureSettings(options, sonarDefaults);
  if (options.updateHz !== undefined) settings.measure.updateHz = options.updateHz;
  using interrupt = new Interrupt();
  const { Sonar } = await import('../../measure/index.js');
  await using stream = await openMeasureStream(settings, options, interrupt);
  const isLive = process.stdout.isTTY === true && process.stdin.isTTY === true && !options.json;
  let finish!: (reason: string) => void;
  const finished = new Promise<string>((resolve) => {
    finish = resolve;
  });
  let view: SonarView | null = null;
  let door: SonarDoor | null = null;
  const tell = (message: string) => {
    door?.tellMessage(message);
    if (view !== null) view.say(message);
    else if (options.json) sayJson({ event: 'message', message });
    else say(message);
  };
  const listener: SonarListener = {
    onMessage: tell,
    onReading: (reading: SonarReading, ranging: Ranging | null) => {
      door?.tellReading(reading);
      if (view !== null) view.take(reading, ranging);
      else if (options.json)
        sayJson({ event: 'reading', ...reading, echoes: ranging?.echoes ?? [] });
      else say(readingText(reading));
      if (reading.count === options.count) finish('all were measured');
    },
    // In a terminal and on a page it can be started again.
    onEnd: (reason) => {
      if ((view === null && door === null) || stream.hasFailed) finish(reason);
      view?.draw();
      door?.tellState();
    },
  };
  const sonar = new Sonar(stream, settings.measure, listener);
  const exportName = options.export ?? `sonar-${new Date().toISOString().replace(/[:.]/g, '-')}`;
  const save = () => tell(exportReadings(sonar, exportName, stream.rateHz));
  using screen = isLive
    ? new Screen((key) =>
        press(key, sonar, {
          end: () => finish('ended by key'),
          export: save,
          tell,
          clear: () => {
            sonar.clear();
            view?.clear();
          },
        }),
      )
    : null;
  if (screen !== null) view = new SonarView(sonar, screen);
  using _kernel = options.kernelLog
    ? await watchKernel(settings, tell, finish)
    : { [Symbol.dispose]: () => {} };
  void interrupt.asked.then((signal) => finish(`ended by ${signal}`));
  if (options.seconds !== undefined)
    setTimeout(() => finish('the time is over'), options.seconds * 1000).unref();
  if (options.web) {
    const { SonarDoor } = await import('../sonar-door.js');
    door = await SonarDoor.open(sonar, stream.rateHz, options.port);
    // The dashboard of a running engine shows it by this name, with a link.
    stream.name = `sonar ${door.address}`;
    if (options.json) sayJson({ event: 'page', address: door.address });
    else tell(`the page is at ${door.address}`);
  }
  sonar.start();
  door?.tellState();
  const reason = await finished;
  await sonar.stop(reason);
  await door?.close();
  if (options.export !== undefined) save();
  process.exitCode = interrupt.exitStatus ?? 0;
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      addRangingOptions(
        command
          .option(
            '--update-hz <hz>',
            'rangings a second (setting measure.updateHz)',
            positiveNumber,
          )
          .option('--count <n>', 'end after so many rangings', wholeNumber)
          .option('--seconds <n>', 'end after so many seconds', positiveNumber)
          .option('--export <name>', 'write NAME.csv and NAME.wav at the end')
          .option('--web', 'serve a page as well, on this machine alone')
          .option('--port <n>', 'port of the page; 0: any that is free', wholeNumber, 0)
          .option('--no-kernel-log', "do not follow the kernel's log"),
      ),
    ).addHelpText(
      'after',
      '\nIn a terminal it is drawn and takes keys; elsewhere each ranging is a line, with --json an' +
        "\nobject. It ends in order when the kernel's log tells of a fault (measure.onKernelFault).",
    ),
    measureFlags,
    sonarDefaults,
  ).action(run);
}
