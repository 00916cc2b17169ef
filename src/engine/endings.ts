/** How a process ended. */
export interface Ending {
  code: number | null;
  signal: string | null;
}

/** Exit statuses of the engine's own processes. */
export const childExit = {
  /** It did what it was to do; do not start it again. */
  finished: 0,
  /** It cannot go on, but another one can. */
  again: 1,
  /** The device could not be opened for as long as the settings allow. */
  noDevice: 4,
  /** It cannot do its work, and another one could not either. */
  hopeless: 6,
} as const;
