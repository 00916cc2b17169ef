import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Debian's Chromium; as root it has no sandbox, and the pages are our own. */
export function openBrowser(): Promise<Browser> {
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: '/usr/bin/chromium', args });
}

/** A page and all that went wrong in it: errors of scripts, and what the policy kept out. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; troubles: string[] }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('console', (message) => {
    // A connection that ends because control was killed is no trouble of the page's.
    if (message.type() === 'error' && !/WebSocket|Failed to load/.test(message.text())) {
      troubles.push(message.text());
    }
  });
  page.on('request', (request) => {
    if (
      new URL(request.url()).origin !== new URL(url).origin &&
      !/^(data|wss?):/.test(request.url())
    ) {
      troubles.push(`asks elsewhere: ${request.url()}`);
    }
  });
  await page.goto(url);
  return { page, troubles };
}
