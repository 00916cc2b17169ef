import { closeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ModuleProcess, until } from '../../test/kit/module-process.js';
import { monotonicNs } from './clock.js';
import { everyWaiter, futexWait, futexWaitUntil, futexWake } from './futex.js';
import { errno } from './libc.js';
import { createSharedMemory, mapShared } from './shared-memory.js';

const hourNs = 3.6e12;

function withMemory<T>(action: (fd: number, address: number, words: Int32Array) => T): T {
  const fd = createSharedMemory({ name: 'futex', bytes: 4096 });
  const mapping = mapShared(fd, 4096, { writable: true });
  const end = (): void => {
    mapping.unmap();
    closeSync(fd);
  };
  const result = action(fd, mapping.address, new Int32Array(mapping.buffer));
  if (result instanceof Promise) return result.finally(end) as T;
  end();
  return result;
}

test('a word that differs is no wait; one that stays is a timeout', () => {
  withMemory((_fd, address, words) => {
    words[0] = -5;
    expect(futexWait(address, 4, hourNs)).toBe(0);
    expect(futexWait(address, -5, 1e6)).toBe(-errno.ETIMEDOUT);
    for (const none of [0, -1, Number.NaN, Number.NEGATIVE_INFINITY]) {
      expect(futexWait(address, -5, none)).toBe(-errno.ETIMEDOUT);
    }
    expect(futexWaitUntil(address, 4, Number.POSITIVE_INFINITY)).toBe(0);
    expect(futexWaitUntil(address, -5, 1)).toBe(-errno.ETIMEDOUT);
    const deadline = monotonicNs() + 2e6;
    expect(futexWaitUntil(address, -5, deadline)).toBe(-errno.ETIMEDOUT);
    expect(monotonicNs()).toBeGreaterThanOrEqual(deadline);
    expect(futexWake(address, everyWaiter)).toBe(0);
  });
});

test('memory that is not there, or a crooked address, has its error', () => {
  withMemory((_fd, address) => {
    expect(futexWait(address + 1, 0, 0)).toBe(-errno.EINVAL);
    expect(futexWake(address + 2, 1)).toBe(-errno.EINVAL);
    expect(futexWait(4096, 0, 0)).toBe(-errno.EFAULT);
    expect(futexWake(4096, 1)).toBe(-errno.EFAULT);
  });
});

test('a wake-up reaches other processes, also over a mapping for reading only', async () => {
  await withMemory(async (fd, address, words) => {
    const wait = `
      const mapping = os.mapShared(3, 4096);
      console.log('waiting');
      const outcome = os.futexWait(mapping.address + 128, 0, 3.6e12);
      console.log(outcome);
    `;
    const waiters = [0, 1, 2].map(() => new ModuleProcess(wait, { descriptors: [fd] }));
    for (const waiter of waiters) expect(await waiter.line()).toBe('waiting');
    let woken = 0;
    await until(() => {
      const one = futexWake(address + 128, 1);
      expect(one).toBeLessThanOrEqual(1);
      woken += one;
      return woken === 3;
    });
    expect(words[32]).toBe(0);
    for (const waiter of waiters) expect(await waiter.line()).toBe('0');
  });
});

test('a wait goes on over SIGSTOP and SIGCONT', async () => {
  await withMemory(async (fd, address, words) => {
    const waiter = new ModuleProcess(
      `
      const mapping = os.mapShared(3, 4096);
      const words = new Int32Array(mapping.buffer);
      console.log('waiting');
      let outcome = 0;
      while (Atomics.load(words, 0) === 0 && outcome === 0) {
        outcome = os.futexWait(mapping.address, 0, 3.6e12);
      }
      console.log(outcome, words[0]);
      `,
      { descriptors: [fd] },
    );
    expect(await waiter.line()).toBe('waiting');
    waiter.kill('SIGSTOP');
    waiter.kill('SIGCONT');
    Atomics.store(words, 0, 1);
    futexWake(address, everyWaiter);
    expect(await waiter.line()).toBe('0 1');
  });
});

test('two processes pass 100,000 turns to and fro and lose no wake-up', async () => {
  await withMemory(async (fd, _address, words) => {
    const play = `
      const turns = 200000;
      const mine = Number(process.argv[1]);
      const mapping = os.mapShared(3, 4096, { writable: true });
      const words = new Int32Array(mapping.buffer);
      const address = mapping.address;
      let lost = 0;
      let waits = 0;
      for (let turn = mine; turn < turns; turn += 2) {
        let seen = Atomics.load(words, 0);
        while (seen !== turn) {
          // Nobody waits this long but for a wake-up that was lost.
          if (os.futexWait(address, seen, 20e9) === -os.errno.ETIMEDOUT) lost++;
          waits++;
          seen = Atomics.load(words, 0);
        }
        Atomics.store(words, 0, turn + 1);
        os.futexWake(address, 1);
      }
      console.log(JSON.stringify({ lost, waited: waits > 0 }));
    `;
    const players = ['0', '1'].map(
      (mine) => new ModuleProcess(play, { descriptors: [fd], args: [mine] }),
    );
    for (const player of players) expect(await player.json()).toEqual({ lost: 0, waited: true });
    expect(words[0]).toBe(200000);
  });
});
