import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Debian's; another machine says where its Chromium is. */
const CHROMIUM_PATHS = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const FLAGS = [
  // Root in a container has no user namespaces for the sandbox.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  // Silent for whoever sits at the machine; sound is decoded all the same.
  '--mute-audio',
];

/** What a page complained about while it was open. */
export type PageFaults = {
  /** Uncaught errors, and messages at the level of errors. */
  errors: string[];
  /** Answers of 400 and above that are not "try again" (503), with their URL. */
  failedResponses: string[];
  /** Requests to anywhere but loopback. */
  strayRequests: string[];
};

export type TestBrowser = AsyncDisposable & {
  readonly browser: Browser;
  /** A page in a fresh profile of its own. */
  openPage(options?: { width?: number; height?: number; isTouch?: boolean }): Promise<{ page: Page; faults: PageFaults }>;
};

/** Starts Chromium without a window. It ends with its pipe, so that it cannot outlive the test runner. */
export async function launchBrowser({ extraFlags = [] }: { extraFlags?: readonly string[] } = {}): Promise<TestBrowser> {
  const executablePath = CHROMIUM_PATHS.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error('no Chromium is installed: set CHROMIUM to its path');
  const browser = await chromium.launch({ executablePath, args: [...FLAGS, ...extraFlags], headless: true });
  return {
    browser,
    openPage: async ({ width = 1280, height = 800, isTouch = false } = {}) => {
      const context = await browser.newContext({ viewport: { width, height }, hasTouch: isTouch, isMobile: isTouch });
      const page = await context.newPage();
      return { page, faults: collectFaults(page) };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

function collectFaults(page: Page): PageFaults {
  const faults: PageFaults = { errors: [], failedResponses: [], strayRequests: [] };
  page.on('pageerror', (error) => faults.errors.push(String(error)));
  page.on('console', (message) => {
    // Chromium logs every 4xx and 5xx by itself; those are judged below.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.errors.push(message.text());
  });
  page.on('response', (response) => {
    if (response.status() >= 400 && response.status() !== 503)
      faults.failedResponses.push(`${response.status()} ${response.url()}`);
  });
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith('http') && !/^(127\.|localhost$|\[::1\])/.test(hostname)) faults.strayRequests.push(request.url());
  });
  return faults;
}
