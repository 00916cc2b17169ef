import type { Command } from 'commander';
import type { PreparedKeeper } from '../client/index.js';

/** A file of `commands/`: it adds its arguments, options and action to the command it is given. */
export interface CommandModule {
  define(command: Command, keeper: PreparedKeeper | null, all: readonly CommandEntry[]): void;
}

/** One command as `tenuto help` lists it; its code is loaded only when it is called. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** It is given a keeper that was started before anything else. */
  readonly startsEngine?: true;
  load(): Promise<CommandModule>;
}

/** Every command, in the order of the help text. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'play',
    summary: 'play audio files (WAV, FLAC, MP3, Ogg Vorbis, Opus)',
    startsEngine: true,
    load: () => import('./commands/play.js'),
  },
  {
    name: 'run',
    summary: 'run a patch live, and record it if asked to',
    startsEngine: true,
    load: () => import('./commands/run.js'),
  },
  {
    name: 'render',
    summary: 'render a patch to a file, faster than real time, the same samples',
    load: () => import('./commands/render.js'),
  },
  {
    name: 'replay',
    summary: 'render a run again from its journal, the same samples',
    load: () => import('./commands/replay.js'),
  },
  {
    name: 'record',
    summary: 'record what is listened to, a microphone say, to a WAV file',
    load: () => import('./commands/record.js'),
  },
  {
    name: 'latency',
    summary: 'measure how long sound takes from the output back to the input',
    load: () => import('./commands/latency.js'),
  },
  {
    name: 'distance',
    summary: 'measure a distance by an echo',
    load: () => import('./commands/distance.js'),
  },
  {
    name: 'sonar',
    summary: 'measure a distance again and again, and show how it changes',
    load: () => import('./commands/sonar.js'),
  },
  {
    name: 'sweep',
    summary: 'measure an impulse response and the distortion by harmonic',
    load: () => import('./commands/sweep.js'),
  },
  {
    name: 'scope',
    summary: 'show what is heard: its wave and its spectrum',
    load: () => import('./commands/scope.js'),
  },
  {
    name: 'tone',
    summary: 'play a test tone',
    load: () => import('./commands/tone.js'),
  },
  {
    name: 'chirp',
    summary: 'write the chirp that distances are measured with to a file',
    load: () => import('./commands/chirp.js'),
  },
  {
    name: 'status',
    summary: 'show what is running and how it is',
    load: () => import('./commands/status.js'),
  },
  {
    name: 'set',
    summary: 'change a parameter of the patch that plays',
    load: () => import('./commands/set.js'),
  },
  {
    name: 'get',
    summary: 'show the parameters of the patch that plays',
    load: () => import('./commands/get.js'),
  },
  {
    name: 'patch',
    summary: 'show the patch that plays, edit it, or change to another one',
    load: () => import('./commands/patch.js'),
  },
  {
    name: 'node',
    summary: 'test a node of your own',
    load: () => import('./commands/node.js'),
  },
  {
    name: 'stop',
    summary: 'end a running engine in order',
    load: () => import('./commands/stop.js'),
  },
  {
    name: 'events',
    summary: 'tell in words what happened, in an engine or in a journal',
    load: () => import('./commands/events.js'),
  },
  {
    name: 'tap',
    summary: 'hear or draw any point of the patch that plays',
    load: () => import('./commands/tap.js'),
  },
  {
    name: 'top',
    summary: 'watch an engine live in the terminal',
    load: () => import('./commands/top.js'),
  },
  {
    name: 'devices',
    summary: 'list what there is to play on',
    load: () => import('./commands/devices.js'),
  },
  {
    name: 'soak',
    summary: 'run under a storm of faults and say whether one sample was lost',
    load: () => import('./commands/soak.js'),
  },
  {
    name: 'doctor',
    summary: 'check whether this machine can do it, with a remedy for each lack',
    load: () => import('./commands/doctor.js'),
  },
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    load: () => import('./commands/completion.js'),
  },
];
