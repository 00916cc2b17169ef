import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { type ProcessRow, writeProcess } from '../memory/process-table.js';
import { Storm, type StormOptions } from './storm.js';

const children: ReturnType<typeof spawn>[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function child(): number {
  const started = spawn('sleep', ['600'], { stdio: 'ignore' });
  children.push(started);
  return started.pid!;
}

const ended = (index: number) =>
  new Promise<string | null>((resolve) => {
    children[index]!.once('exit', (_, signal) => resolve(signal));
  });

/** A segment whose process table holds these rows, and a storm over it. */
function stormOver(
  rows: Partial<ProcessRow>[],
  options: Partial<StormOptions>,
  keeperPid = process.pid,
): Storm {
  const segment = segmentFor();
  rows.forEach((row, index) => {
    const rest = { place: 0, starts: 1, startedUs: 0, pid: 0 };
    writeProcess(segment, index, { ...rest, role: 'replica', state: 'running', ...row });
  });
  const all = { kill: [], hang: [], rate: 1, seed: 3, faultsMax: 100, ...options };
  return new Storm(segment, keeperPid, all, 0);
}

describe('a storm', () => {
  it('kills who runs, once, and counts it', async () => {
    const pid = child();
    const storm = stormOver([{ pid }], { kill: ['replica'] });
    const end = ended(0);
    expect(storm.poll(10e6)).toMatchObject({ action: 'kill', target: 'replica', row: { pid } });
    expect(await end).toBe('SIGKILL');
    expect(storm.poll(20e6)).toBeNull();
    expect(storm.done).toEqual({ 'kill-replica': 1 });
  });

  it('waits for its time, and does not catch up on what it could not do', () => {
    const pids = [child(), child(), child()];
    const storm = stormOver(
      pids.map((pid) => ({ pid })),
      { hang: ['replica'] },
    );
    expect(storm.poll(-1e6)).toBeNull();
    expect(storm.poll(50e6)).not.toBeNull();
    expect(storm.poll(50e6)).toBeNull();
    expect(storm.poll(52e6)).not.toBeNull();
    expect(storm.done).toEqual({ 'hang-replica': 2 });
  });

  it('never signals a process that is no child of the keeper', () => {
    const storm = stormOver([{ pid: child() }], { kill: ['replica'] }, 1);
    expect(storm.poll(10e6)).toBeNull();
    expect(children[0]!.exitCode).toBeNull();
    expect(storm.done).toEqual({});
  });

  it('leaves alone who does not run, and whom it was not asked to harm', () => {
    const storm = stormOver(
      [
        { pid: child(), state: 'joining' },
        { pid: child(), role: 'control' },
        { pid: child(), role: 'driver', place: 7 },
      ],
      { kill: ['replica', 'driver', 'recorder'] },
    );
    for (let second = 1; second < 20; second++) expect(storm.poll(second * 1e6)).toBeNull();
  });

  it('ends after as many faults as it was given', () => {
    const storm = stormOver([{ pid: child() }, { pid: child() }], {
      kill: ['replica'],
      faultsMax: 1,
    });
    expect(storm.poll(10e6)).not.toBeNull();
    expect(storm.poll(20e6)).toBeNull();
  });
});
