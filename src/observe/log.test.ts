import { describe, expect, it } from 'vitest';
import { createLogger } from './log.js';

function collect(format: 'text' | 'json', level: 'warn' | 'debug' = 'warn') {
  const lines: string[] = [];
  const who = { engine: 'default', role: 'replica', slot: 1 };
  return { lines, log: createLogger(who, { level, format }, (line) => lines.push(line)) };
}

describe('createLogger', () => {
  it('puts role, slot, process and generation in each line', () => {
    const { lines, log } = collect('text');
    log.with({ generation: 3 }).warn('took over', { afterMs: 4, why: 'hung' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} warn {2}default\/replica 1 \[\d+\] g3: took over afterMs=4 why=hung\n$/,
    );
  });

  it('writes one object a line when asked to', () => {
    const { lines, log } = collect('json');
    log.error('gone', { tick: 7 });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      msg: 'gone',
      tick: 7,
      role: 'replica',
      slot: 1,
      pid: process.pid,
    });
  });

  it('is quiet below its level', () => {
    const { lines, log } = collect('text');
    log.info('not heard');
    log.debug('nor this');
    expect(lines).toEqual([]);
    const loud = collect('text', 'debug');
    loud.log.debug('heard');
    expect(loud.lines).toHaveLength(1);
  });
});
