// Takes the pictures of the sonar's page that docs/measuring.md shows: a target that walks to and fro
// in a room that sounds on. Needs a build and Debian's Chromium.
//
//   npm run screenshots -- sonar
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { cliFile } from '../bench/engines.mjs';

const pictures = [
  { name: 'sonar', width: 1240, height: 1120, colorScheme: 'light' },
  { name: 'sonar-dark', width: 1240, height: 1120, colorScheme: 'dark' },
  { name: 'sonar-phone', width: 390, height: 844, colorScheme: 'light' },
];

const room = {
  targets: [{ distanceM: 1.2, toM: 2.8, periodSec: 14 }, { distanceM: 4.1 }],
  tailDb: -62,
  tailSec: 0.25,
  noiseDb: -78,
};

/** Long enough for the waterfall to be full. */
const listenMs = 25_000;

/** @param {import('playwright-core').Browser} browser */
export async function takeSonarPictures(browser, folder) {
  const set = ['measure.maxM=6', `device.virtual.room=${JSON.stringify(room)}`];
  const flags = ['--web', '--json', '--device', 'virtual', '--update-hz', '10', '--no-kernel-log'];
  const more = [
    ...set,
    'measure.history=250',
    'engine.leadQuanta=32',
    'watchdog.driverQuanta=200',
  ].flatMap((one) => ['--set', one]);
  const child = spawn(process.execPath, [cliFile, 'sonar', ...flags, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const address = await new Promise((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const { event, address } = JSON.parse(line);
        if (event === 'page') resolve(address);
      });
    });
    const pages = [];
    for (const { name, width, height, colorScheme } of pictures) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme });
      await page.goto(address);
      pages.push({ name, page });
    }
    await delay(listenMs);
    for (const { name, page } of pages) {
      await page.bringToFront();
      await delay(500);
      await page.screenshot({ path: join(folder, `${name}.png`) });
    }
  } finally {
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('exit', resolve));
  }
}
