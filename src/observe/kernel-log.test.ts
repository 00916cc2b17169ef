import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { measureSchema } from '../settings/index.js';
import { type KernelFault, KernelLog, parseKernelLine } from './kernel-log.js';

const folder = mkdtempSync(join(tmpdir(), 'tenuto-kernel-'));
afterAll(() => rmSync(folder, { recursive: true }));
const { kernelPatterns } = measureSchema.parse({});

describe("the kernel's log", () => {
  it('is followed from now on, and faults in it are told', () => {
    const file = join(folder, 'kmsg');
    writeFileSync(file, '2,1,1000,-;Kernel panic - not syncing: an old story\n');
    const faults: KernelFault[] = [];
    using log = new KernelLog(file, kernelPatterns, (fault) => faults.push(fault));
    log.look();
    expect(faults).toEqual([]);
    appendFileSync(
      file,
      '6,2,2000000,-;usb 1-1: new device\n SUBSYSTEM=usb\n4,3,2500000,-;Internal err',
    );
    log.look();
    appendFileSync(file, 'or: Oops: 96000004 [#1]\n<3>[  12.5] voicehat: codec timeout\n');
    log.look();
    expect(faults).toEqual([
      { uptimeSec: 2.5, message: 'Internal error: Oops: 96000004 [#1]', pattern: '\\bOops\\b' },
      {
        uptimeSec: 12.5,
        message: 'voicehat: codec timeout',
        pattern: expect.stringMatching('voicehat'),
      },
    ]);
    expect([log.lines, log.faults]).toEqual([3, 2]);
  });

  it('may be a pipe', async () => {
    const file = join(folder, 'pipe');
    await new Promise((resolve) => spawn('mkfifo', [file]).once('exit', resolve));
    let found = 0;
    using log = new KernelLog(file, ['fault'], () => found++);
    const writer = spawn('sh', ['-c', `echo 'a fault' > ${file}`]);
    await new Promise((resolve) => writer.once('exit', resolve));
    log.look();
    expect(found).toBe(1);
  });

  it('that cannot be read, or patterns that are none, are refused', () => {
    const none = () => {};
    expect(() => new KernelLog(join(folder, 'missing'), [], none)).toThrow(
      /cannot be read \(ENOENT\)/,
    );
    expect(() => new KernelLog('/dev/null', ['('], none)).toThrow(/no regular expression/);
  });

  it('is understood in each of its forms', () => {
    expect(parseKernelLine('6,339,5140900,-;NET: Registered')).toEqual({
      uptimeSec: 5.1409,
      message: 'NET: Registered',
    });
    expect(parseKernelLine('[    5.14] NET: Registered')).toEqual({
      uptimeSec: 5.14,
      message: 'NET: Registered',
    });
    expect(parseKernelLine('anything')).toEqual({ uptimeSec: null, message: 'anything' });
  });
});
