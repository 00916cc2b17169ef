/** Words per cache line: what one process writes shares no line with what another writes. */
export const lineWords = 16;
