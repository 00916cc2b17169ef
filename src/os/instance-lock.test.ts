import { readFileSync } from 'node:fs';
import net from 'node:net';
import { expect, test } from 'vitest';
import { ModuleProcess } from '../../test/kit/module-process.js';
import {
  abstractPath,
  engineAddress,
  listEngineSockets,
  takeInstanceLock,
} from './instance-lock.js';
import { descriptorCount } from './process.js';

/** Names are shared by all processes of the machine: each test has its own. */
const unique = (name: string): string => `test-${name}-${process.pid}`;

const hold = `
  const lock = os.takeInstanceLock(process.argv[1]);
  console.log(lock === null ? 'refused' : 'held');
  process.stdin.resume();
`;

test('a name is taken once, until it is released', () => {
  const engine = unique('once');
  const lock = takeInstanceLock(engine);
  expect(lock?.address).toBe(`@tenuto/${process.getuid?.()}/${engine}/lock`);
  expect(takeInstanceLock(engine)).toBeNull();
  const other = takeInstanceLock(unique('another'));
  expect(other).not.toBeNull();
  other?.release();
  lock?.release();
  const again = takeInstanceLock(engine);
  expect(again).not.toBeNull();
  // A second release must not close a descriptor that is somebody else's by now.
  lock?.release();
  expect(takeInstanceLock(engine)).toBeNull();
  again?.release();
});

test('a refused lock leaves no descriptor open', () => {
  const lock = takeInstanceLock(unique('leak'));
  const before = descriptorCount(process.pid);
  for (let i = 0; i < 100; i++) expect(takeInstanceLock(unique('leak'))).toBeNull();
  expect(descriptorCount(process.pid)).toBe(before);
  lock?.release();
});

test('of many processes at once, one gets it', async () => {
  const engine = unique('race');
  const rivals = Array.from({ length: 6 }, () => new ModuleProcess(hold, { args: [engine] }));
  const answers = await Promise.all(rivals.map((rival) => rival.line()));
  expect(answers.filter((answer) => answer === 'held')).toHaveLength(1);
  for (const rival of rivals) rival.kill();
  await Promise.all(rivals.map((rival) => rival.ended));
});

test('the kernel frees the lock of a holder that was killed, at once', async () => {
  const engine = unique('killed');
  for (let i = 0; i < 5; i++) {
    const holder = new ModuleProcess(hold, { args: [engine] });
    expect(await holder.line()).toBe('held');
    expect(takeInstanceLock(engine)).toBeNull();
    holder.kill();
    expect(await holder.ended).toBe('SIGKILL');
    const lock = takeInstanceLock(engine);
    expect(lock).not.toBeNull();
    lock?.release();
  }
});

test('the lock does not pass to programs that its holder starts', async () => {
  const engine = unique('exec');
  const holder = new ModuleProcess(
    `
    import { spawn } from 'node:child_process';
    const lock = os.takeInstanceLock(process.argv[1]);
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    console.log(child.pid);
    process.stdin.resume();
    `,
    { args: [engine] },
  );
  const child = Number(await holder.line());
  holder.kill();
  await holder.ended;
  const lock = takeInstanceLock(engine);
  expect(lock).not.toBeNull();
  lock?.release();
  process.kill(child, 'SIGKILL');
});

test('an abstract path is one address for servers and clients of every version of Node', async () => {
  const engine = unique('path');
  const path = abstractPath(engineAddress(engine, 'control'));
  expect(Buffer.byteLength(path)).toBe(108);
  const server = net.createServer((socket) => socket.end('hello'));
  await new Promise<void>((resolve) => server.listen({ path }, resolve));
  // The bytes that were really bound: all of sun_path, whatever this version of Node does.
  const bound = readFileSync('/proc/net/unix', 'latin1')
    .split('\n')
    .map((line) => line.split(' ').at(-1) ?? '')
    .filter((name) => name.includes(`/${engine}/`));
  expect(bound).toEqual([path.replaceAll('\0', '@')]);
  expect(listEngineSockets()).toContainEqual({
    uid: process.getuid?.(),
    engine,
    purpose: 'control',
  });
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = net.connect({ path });
    socket.on('data', (data) => resolve(data.toString()));
    socket.on('error', reject);
  });
  expect(answer).toBe('hello');
  await new Promise((resolve) => server.close(resolve));
  expect(listEngineSockets().map((one) => one.engine)).not.toContain(engine);
});

test('names that could mean another address are refused', () => {
  for (const bad of ['', 'a/b', 'a b', 'ü', 'x'.repeat(65), 'a\0']) {
    expect(() => takeInstanceLock(bad), JSON.stringify(bad)).toThrow('assertion failed');
  }
  expect(() => engineAddress('a', 'Lock')).toThrow('assertion failed');
  expect(() => abstractPath('x'.repeat(108))).toThrow('assertion failed');
});
