import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { statusText } from '../../dist/cli/status-text.js';
import type { RunningEngine } from '../../dist/client/index.js';
import { abstractPath, engineAddress } from '../../dist/os/index.js';
import { launch, pidOf, testSettings, until, whole } from '../kit/engine.js';

const name = 'replica_restart_count';

function wire(engine: RunningEngine) {
  const found = engine.status().tripwires.find((one) => one.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
}

/** The events of tripwires, as a client of the control process reads them. */
function alarms(engine: RunningEngine): Promise<{ name: string }[]> {
  return new Promise((resolve) => {
    const socket = connect({ path: abstractPath(engineAddress(engine.name, 'control')) });
    // Control may be replaced on a machine that is busy; whoever waits asks again.
    socket.once('error', () => resolve([]));
    socket.once('close', () => resolve([]));
    const lines = createInterface({ input: socket }).on('error', () => {});
    lines.once('line', (line) => {
      const { result } = JSON.parse(line);
      resolve(result.filter(({ kind }: { kind: string }) => kind === 'tripwire'));
      socket.destroy();
    });
    socket.write('{"id":1,"do":"events","since":0}\n');
  });
}

describe('a tripwire of an engine', () => {
  it('trips when a replica is killed, once, and stays so through a restart of control', async () => {
    const settings = testSettings(['tripwires.replicaRestarts=1']);
    await using engine = await launch({ settings });
    await whole(engine);
    expect(wire(engine)).toMatchObject({ threshold: 1, tripped: false, sinceSec: null, trips: 0 });

    process.kill(pidOf(engine, 'replica', 0), 'SIGKILL');
    await until('it tripped', () => wire(engine).tripped);
    expect(wire(engine)).toMatchObject({ threshold: 1, trips: 1 });
    expect(statusText(engine.status(), process.stdout)).toContain(name);
    await until('its event came', async () => (await alarms(engine)).length > 0);

    const control = pidOf(engine, 'control');
    process.kill(control, 'SIGKILL');
    await until('control is back', () => engine.status().counters.restartsControl > 0);
    const { sinceSec } = wire(engine);
    await until('it looked again', () => (wire(engine).sinceSec ?? 0) > (sinceSec ?? 0) + 0.5);
    expect(wire(engine)).toMatchObject({ tripped: true, trips: 1 });
    const told = await until('control tells', async () => {
      const found = await alarms(engine);
      return found.length > 0 ? found : null;
    });
    expect(told.filter((alarm) => alarm.name === name)).toMatchObject([{ threshold: 1 }]);
  });

  it('is off at 0, and the timers say how long what happened took', async () => {
    const settings = testSettings(['tripwires.takeovers=0', 'tripwires.takeoverGapMaxMs=0.001']);
    await using engine = await launch({ settings });
    await whole(engine);
    process.kill(pidOf(engine, 'driver'), 'SIGKILL');
    await until('another drives', () => engine.status().timers.takeoverGap.count > 0);
    const { counters, timers } = engine.status();
    expect(timers.deviceOpen.count).toBeGreaterThanOrEqual(2);
    // Nobody asked for another device: the next driver opened the same one.
    expect(counters.recreations).toBe(0);
    expect(timers.takeoverGap.maxMs).toBeGreaterThan(0);
    expect(timers.takeoverGap.averageMs).toBeLessThanOrEqual(timers.takeoverGap.maxMs);
    await until('it was seen', () => {
      const { tripwires } = engine.status();
      return tripwires.some((one) => one.name === 'takeover_gap_ms_max' && one.tripped);
    });
    const takeovers = engine.status().tripwires.find((one) => one.name === 'takeover_count');
    expect(takeovers).toMatchObject({ threshold: 0, tripped: false, trips: 0 });
  });

  it('tells of a device that was lost and of the time that it took to go on', async () => {
    const faults = 'device.virtual.faults=[{kind: vanish, atMs: 6000, forMs: 300}]';
    const wires = ['tripwires.deviceLost=1', 'tripwires.recreations=1'];
    await using engine = await launch({ settings: testSettings([faults, ...wires]) });
    await whole(engine);
    await until('it goes on', () => engine.status().timers.recreateTotal.count > 0);
    const { counters, timers } = engine.status();
    expect(counters.recreations).toBeGreaterThan(0);
    expect(timers.recreateTotal.maxMs).toBeGreaterThan(0);
    await until('its events came', async () => {
      const told = (await alarms(engine)).map((alarm) => alarm.name);
      return ['device_lost_count', 'recreate_count'].every((wire) => told.includes(wire));
    });
  });
});
