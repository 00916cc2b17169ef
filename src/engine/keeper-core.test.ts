import { describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { readProcesses } from '../memory/process-table.js';
import { KeeperCore, type KeeperWorld } from './keeper-core.js';

const idle: KeeperWorld = {
  nowUs: () => 0,
  spawn: () => 0,
  ask: () => {},
  kill: () => {},
  adopt: () => 0,
  giveBack: () => {},
  release: () => {},
  wake: () => {},
};

const policy = {
  backoffMs: 100,
  backoffMaxMs: 1000,
  startsPerMinute: 30,
  bootMs: 5000,
  replicaMs: 100,
  driverMs: 100,
  serviceMs: 1000,
  abandonMs: 1000,
  drainMs: 1000,
  probationMs: 1000,
  openMs: 1000,
  phases: { fadeMs: 0, servicesMs: 0, replicasMs: 0, driverMs: 0 },
};

/** Who waits to be started, in the order of the table. */
function waiting(crew: { replicas: number; spares: number; services: number }): string[] {
  const segment = segmentFor();
  new KeeperCore(segment, idle, policy, { ...crew, control: true });
  const rows = readProcesses(segment);
  for (const { pid, state } of rows) expect({ pid, state }).toEqual({ pid: 0, state: 'waiting' });
  return rows.map(({ role }) => role);
}

describe('the process table', () => {
  it('tells from the beginning who is to come, so that half an engine is not taken for a whole', () => {
    expect(waiting({ replicas: 2, spares: 1, services: 1 })).toEqual([
      'replica',
      'driver',
      'replica',
      'driver',
      'control',
      'replica',
      'service',
    ]);
    const alone = waiting({ replicas: 1, spares: 0, services: 0 });
    expect(alone).toEqual(['replica', 'driver', 'driver', 'control']);
  });
});
