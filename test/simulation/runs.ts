import type { SimulationOptions, SimulationReport } from './options.js';
import { Simulation } from './simulation.js';

/** `TENUTO_SIMULATION_SEED=N` replays one run; without it every run is another one. */
export const givenSeed = process.env.TENUTO_SIMULATION_SEED;
export const firstSeed =
  givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed);
const ticksPerRun = 10_000;

/** One run, whose violation says by which seed it is seen again. */
export function simulate(seed: number, more: Partial<SimulationOptions> = {}): SimulationReport {
  try {
    return new Simulation({ seed, ticks: ticksPerRun, faultEveryTicks: 80, ...more }).run();
  } catch (error) {
    if (error instanceof Error) error.message += ` (TENUTO_SIMULATION_SEED=${seed})`;
    throw error;
  }
}
