import type { Scenario } from '../scenario.js';

/** A scenario by name: what it proves, and what it does when nothing else is said. */
export interface ScenarioEntry {
  summary: string;
  seconds: number;
  times: number;
  /** Whether it can do without a sound server. */
  needsServer: boolean;
  /** Null for the storm of streams, which has a command and a report of its own. */
  load: (() => Promise<Scenario>) | null;
}

/** All scenarios of `tenuto soak --scenario`. */
export const scenarios = {
  builtin: {
    summary: 'play for a while: no underrun, right speed, every frame once',
    seconds: 120,
    times: 1,
    needsServer: false,
    load: async () => (await import('./builtin.js')).builtin,
  },
  'route-switch': {
    summary: 'change the default between two sinks: every frame once, in order',
    seconds: 0,
    times: 10,
    needsServer: true,
    load: async () => (await import('./route-switch.js')).routeSwitch,
  },
  'sink-loss': {
    summary: 'remove the sink that plays for 5 s: nothing is lost',
    seconds: 0,
    times: 3,
    needsServer: true,
    load: async () => (await import('./sink-loss.js')).sinkLoss,
  },
  'server-loss': {
    summary: 'kill the sound server and start it again: nothing is lost',
    seconds: 0,
    times: 10,
    needsServer: true,
    load: async () => (await import('./server-loss.js')).serverLoss,
  },
  stall: {
    summary: 'stop the sound server without a word: another device takes over',
    seconds: 0,
    times: 5,
    needsServer: true,
    load: async () => (await import('./stall.js')).stall,
  },
  'force-fallback': {
    summary: 'a device that refuses the rate: converted, in tune',
    seconds: 10,
    times: 1,
    needsServer: true,
    load: async () => (await import('./forced-fallback.js')).forcedFallback,
  },
  storm: {
    summary: '100 producers open, write and close streams: no frame is lost',
    seconds: 60,
    times: 1,
    needsServer: false,
    load: null,
  },
} as const satisfies Record<string, ScenarioEntry>;

export type ScenarioName = keyof typeof scenarios;

export const scenarioNames = Object.keys(scenarios) as ScenarioName[];
