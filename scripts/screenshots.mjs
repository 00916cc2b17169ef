// Takes the pictures of the dashboard and of the sonar that README and docs show. Needs a build and
// Debian's Chromium (`npm test` installs it).
//
//   npm run screenshots [-- dashboard | sonar]
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { benchSettings, startDemo, whole } from '../bench/engines.mjs';
import { takeSonarPictures } from './sonar-screenshots.mjs';

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'img');
/** By then the chords have come in, and the histograms have something to show. */
const listenMs = 12_000;

const pictures = [
  { name: 'dashboard', width: 1240, height: 980, colorScheme: 'light' },
  { name: 'dashboard-dark', width: 1240, height: 980, colorScheme: 'dark' },
  { name: 'dashboard-patch', width: 1240, height: 640, colorScheme: 'light', from: 'Patch' },
  { name: 'dashboard-phone', width: 390, height: 844, colorScheme: 'light' },
];

/** With a lead that a busy machine does not eat up: it is not what the pictures are about. */
const settings = ['control.demo=on', 'engine.name=held', 'engine.leadQuanta=16'];

/** Kills one of each, so that the pictures have something to tell. */
async function harmSome(engine) {
  for (const [role, slot] of [
    ['replica', 0],
    ['replica', 1],
    ['control', undefined],
  ]) {
    const { processes } = engine.status();
    process.kill(processes.find((one) => one.role === role && one.slot === slot).pid, 'SIGKILL');
    await delay(1500);
    await whole(engine);
  }
}

/** An engine that has something to tell; a machine that is busy with other things tells of those. */
async function startTold(tries) {
  const engine = await startDemo({ settings: benchSettings(settings) });
  await whole(engine);
  await harmSome(engine);
  await delay(listenMs);
  if (engine.status().counters.underruns === 0 || tries <= 1) return engine;
  await engine.stop();
  return startTold(tries - 1);
}

/** @param {import('playwright-core').Browser} browser */
async function takeDashboardPictures(browser) {
  const engine = await startTold(5);
  try {
    while (engine.status().control.http === null) await delay(20);
    for (const { name, width, height, colorScheme, from } of pictures) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme });
      await page.goto(engine.status().control.http);
      await delay(3500);
      if (from !== undefined) {
        await page
          .getByRole('button', { name: /^bellPhase|^bassFilter/ })
          .first()
          .click();
        await page.getByRole('heading', { name: from }).evaluate((one) => {
          scrollTo(0, one.closest('section').offsetTop - 16);
        });
        await delay(500);
      }
      await page.screenshot({ path: join(folder, `${name}.png`) });
      await page.close();
    }
  } finally {
    await engine.stop();
  }
}

mkdirSync(folder, { recursive: true });
const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
const wanted = process.argv[2] ?? 'all';
try {
  if (wanted !== 'sonar') await takeDashboardPictures(browser);
  if (wanted !== 'dashboard') await takeSonarPictures(browser, folder);
} finally {
  await browser.close();
}
