import type { PatchInfo } from '../dsp/compiler.js';
import { OutputKind, RecordStatus } from '../memory/layout.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';
import { CommandWords } from './command-text.js';
import { readJournal } from './journal-file.js';
import type { JournalHead, JournalProgram } from './records.js';
import type { Step } from './step.js';

/** One thing that a journal tells. */
export interface StoryLine {
  /** Milliseconds since 1970, to a fifth of a second. */
  timeMs: number;
  tick: number;
  kind: string;
  level: string;
  text: string;
}

/** In one step so many commands are told one by one. */
const commandsTold = 8;
/** A stream that was quiet for so long begins anew. */
const quietSec = 1;
const voidWords: Record<number, string> = {
  [RecordStatus.void]: 'what was commanded here killed replicas and does not count',
  [RecordStatus.reverted]: 'the program failed, and the one before plays again',
  [RecordStatus.silenced]: 'a node of the user failed and is silent from here on',
};

/** Tells in words what a journal holds, from its start to its end or to the first damage. */
export class Story {
  private head: JournalHead | null = null;
  private words = new CommandWords(null, 1);
  private readonly heard = new Map<number, number>();
  /** Each file of a run holds the programs anew. */
  private readonly programs = new Set<number>();
  private timeMs = 0;
  private tick = 0;
  private lastEvent = 0;
  private lines: StoryLine[] = [];

  /** @throws TenutoError `TENUTO_FILE_UNREADABLE`, `TENUTO_JOURNAL_DAMAGED` */
  *tell(path: string): Generator<StoryLine> {
    for (const item of readJournal(path)) {
      if (item.kind === 'head') this.begin(item.head);
      else if (item.kind === 'program') this.program(item.program);
      else if (item.kind === 'step') this.step(item.step);
      else if (item.kind === 'end') this.say('end', 'info', 'the run ended in order');
      else if (item.kind === 'gap') {
        const { from, to, why } = item.gap;
        this.timeMs = item.gap.timeMs;
        this.say('gap', 'warn', `${ticksBetween(to, from)} ticks are missing: ${why}`);
      } else if (item.kind === 'damage') {
        const { file, offset, why } = item.damage;
        this.say('damage', 'error', `${file} is damaged after byte ${offset}: ${why}`);
      }
      yield* this.lines.splice(0);
    }
  }

  private say(kind: string, level: string, text: string, timeMs = this.timeMs): void {
    this.lines.push({ timeMs, tick: this.tick >>> 0, kind, level, text });
  }

  private begin(head: JournalHead): void {
    if (this.head !== null) return;
    this.head = head;
    this.timeMs = head.startedMs;
    this.tick = head.geometry.firstTick;
    const { engine, version, geometry } = head;
    const { rateHz, channels, quantum } = geometry;
    const format = `${rateHz} Hz, ${channels} channels, quantum ${quantum}`;
    this.say('head', 'info', `engine ${engine}, ${format}, Tenuto ${version}`);
  }

  private program({ number, info, assets, hasOwnNodes }: JournalProgram): void {
    if (this.programs.has(number)) return;
    this.programs.add(number);
    const known = readInfo(info);
    this.words = new CommandWords(known, this.head?.geometry.rateHz ?? 1);
    const sounds = assets.length === 0 ? '' : `, ${assets.length} sounds`;
    const own = hasOwnNodes ? ', own nodes' : '';
    const name = known?.source?.name ?? 'without a name';
    this.say('program', 'info', `program ${number}: "${name}"${sounds}${own}`);
  }

  private step(step: Step): void {
    this.timeMs = step.timeMs;
    this.tick = step.firstTick;
    for (const event of step.events) {
      if (event.sequence <= this.lastEvent) continue;
      this.lastEvent = event.sequence;
      const agoMs = ((step.clockUs - event.timeUs) >>> 0) / 1000;
      this.say(event.kind, event.level, event.text, step.timeMs - agoMs);
    }
    this.commands(step);
    this.streams(step);
    this.played(step);
    this.tick = tickAfter(step.firstTick, step.ticks);
  }

  private commands({ busy }: Step): void {
    const texts: { tick: number; text: string }[] = [];
    for (const { tick, fate, commands } of busy) {
      for (const text of this.words.list(commands)) texts.push({ tick, text });
      const words = voidWords[fate];
      if (words === undefined) continue;
      this.tick = tick;
      this.say('record', 'error', words);
    }
    if (texts.length > commandsTold) {
      this.tick = texts[0]!.tick;
      this.say(
        'commands',
        'info',
        `${texts.length} commands, the first of them: ${texts[0]!.text}`,
      );
      return;
    }
    for (const { tick, text } of texts) {
      this.tick = tick;
      this.say('command', 'info', text);
    }
  }

  private streams({ parts, timeMs }: Step): void {
    for (const { stream } of parts) {
      const last = this.heard.get(stream);
      this.heard.set(stream, timeMs);
      if (last === undefined || timeMs - last > quietSec * 1000) {
        this.say('stream', 'info', `stream ${stream} begins to play`);
      }
    }
    for (const [stream, last] of this.heard) {
      if (timeMs - last <= quietSec * 1000) continue;
      this.heard.delete(stream);
      this.say('stream', 'info', `stream ${stream} fell silent`, last);
    }
  }

  private played({ played }: Step): void {
    const { quantum, rateHz } = this.head!.geometry;
    const filler = played.filter(({ kind }) => kind === OutputKind.concealed);
    if (filler.length === 0) return;
    const quanta = filler.reduce((sum, run) => sum + run.quanta, 0);
    const ms = ((quanta * quantum * 1000) / rateHz).toFixed(1);
    this.tick = filler[0]!.tick;
    this.say('filler', 'warn', `filler for ${ms} ms, while the content waited`);
  }
}

function readInfo(info: Uint8Array): PatchInfo | null {
  try {
    return JSON.parse(Buffer.from(info).toString()) as PatchInfo | null;
  } catch {
    return null;
  }
}
