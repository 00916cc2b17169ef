import type { Sabotage } from './parties.js';

export interface SimulationOptions {
  seed: number;
  /** Ticks to play under faults. */
  ticks: number;
  /** Mean ticks between two faults. */
  faultEveryTicks: number;
  /** Chance that a command is fatal to whoever applies it. */
  poisonChance?: number;
  /** Chance of each look of control that another program is offered. */
  programChance?: number;
  sabotage?: Sabotage;
  /** Chance of each look of control that another device is wanted. */
  switchChance?: number;
  /** Whether the stream goes on while there is no device; by default the seed chooses. */
  continues?: boolean;
  /** Share of the faults that are lost devices. */
  lossChance?: number;
  /** Faults of clients only, so that their streams end often. */
  clientsOnly?: boolean;
  /** Faults of devices only, so that what is heard can be told exactly. */
  devicesOnly?: boolean;
  /** Chance that a process goes on for a while after it was killed. */
  stubbornChance?: number;
  /** Ticks between snapshots; by default the seed chooses. */
  snapshotTicks?: number;
}

export interface SimulationReport {
  playedTicks: number;
  faults: Record<string, number>;
  commands: number;
  /** Commands that had a name, and whose client heard that they were sealed. */
  answered: number;
  concealed: number;
  voidedTicks: number;
  takeovers: number;
  joins: number;
  programChanges: number;
  /** Times a program that kills was withdrawn, and times its nodes were silenced. */
  reverted: number;
  silenced: number;
  streamFrames: number;
  streamFramesTakenBack: number;
  streamsOpened: number;
  streamsOrphaned: number;
  steps: number;
}
