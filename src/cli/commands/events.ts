import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { EngineNote } from '../../client/index.js';
import { TenutoError } from '../../errors.js';
import type { StoryLine } from '../../flight/story.js';
import { Interrupt } from '../interrupt.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  readSettings,
} from '../options.js';
import { paint, say, sayJson } from '../terminal.js';

interface EventsOptions extends CommonOptions {
  follow?: true;
}

const lookMs = 250;
const colours: Record<string, 'red' | 'yellow' | 'dim'> = {
  error: 'red',
  warn: 'yellow',
  debug: 'dim',
};

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 23);
}

function show(line: StoryLine, json: boolean): void {
  if (json) {
    sayJson({ ...line, time: new Date(line.timeMs).toISOString() });
    return;
  }
  const colour = colours[line.level];
  const text = colour === undefined ? line.text : paint(colour, line.text, process.stdout);
  say(`${timeText(line.timeMs)}  tick ${String(line.tick).padStart(8)}  ${text}`);
}

function showLive(note: EngineNote, json: boolean): void {
  const timeMs = Date.now() - note.agoSec * 1000;
  if (json) {
    sayJson({ ...note, time: new Date(timeMs).toISOString() });
    return;
  }
  const colour = colours[note.level];
  const text = colour === undefined ? note.text : paint(colour, note.text, process.stdout);
  say(`${timeText(timeMs)}  ${text}`);
}

async function tellFile(path: string, json: boolean, interrupt: Interrupt): Promise<void> {
  const { Story } = await import('../../flight/story.js');
  let told = 0;
  for (const line of new Story().tell(path)) {
    show(line, json);
    if (++told % 256 === 0) await new Promise(setImmediate);
    if (interrupt.signal !== null) break;
  }
}

async function tellEngine(options: EventsOptions, interrupt: Interrupt): Promise<void> {
  const { name } = readSettings(options).engine;
  const { connectEngine } = await import('../../client/index.js');
  await using engine = await connectEngine(name);
  let since = 0;
  do {
    try {
      for (const note of await engine.events(since)) {
        since = note.sequence;
        showLive(note, options.json ?? false);
      }
    } catch (error) {
      // It has ended, which is what there was to follow.
      const isOver = error instanceof TenutoError && error.code === 'TENUTO_ENGINE_UNREACHABLE';
      if (isOver && since > 0) return;
      throw error;
    }
    if (options.follow) await Promise.race([delay(lookMs), interrupt.asked]);
  } while (options.follow && interrupt.signal === null);
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      command
        .argument('[journal]', 'a journal, or a folder of the flight recorder; default: the engine')
        .option('-f, --follow', 'go on with what happens, until Ctrl-C or the end of the engine'),
    ),
    ['name'],
  ).action(async (journal: string | undefined, options: EventsOptions) => {
    using interrupt = new Interrupt();
    if (journal === undefined) await tellEngine(options, interrupt);
    else await tellFile(journal, options.json ?? false, interrupt);
    if (interrupt.signal !== null) process.exitCode = interrupt.exitStatus ?? 0;
  });
}
