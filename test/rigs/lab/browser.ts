// A headless Chromium on a client's machine: what a person at that port sees. Debian's own build, driven over a pipe.

import { chmodSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { LabFolder } from './folder.ts';
import type { Netns } from './netns.ts';

/** Debian's packages chromium-headless-shell and chromium. */
const PROGRAMS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** WCAG 2.2, levels A and AA. */
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

export interface Look {
  readonly dark?: boolean;
  /** CSS pixels; default 360, a phone. */
  readonly width?: number;
  /** Whether scripts may run; default no. */
  readonly scripts?: boolean;
}

export class LabBrowser {
  readonly #browser: Browser;
  readonly #folder: LabFolder;

  private constructor(browser: Browser, folder: LabFolder) {
    this.#browser = browser;
    this.#folder = folder;
  }

  static async start(netns: Netns): Promise<LabBrowser> {
    const program = PROGRAMS.find((path) => existsSync(path));
    if (program === undefined) throw new Error('the lab needs chromium-headless-shell: run board/deps.sh');
    const folder = new LabFolder('browser');
    // The pipe's descriptors go on through both.
    const executablePath = folder.write(
      'chromium',
      `#!/bin/sh\nexec ip netns exec ${netns.name} ${program} "$@"\n`,
    );
    chmodSync(executablePath, 0o700);
    const browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
    return new LabBrowser(browser, folder);
  }

  /** A browser of its own, without anything kept, with one page. */
  async open({ dark = false, width = 360, scripts = false }: Look = {}): Promise<Page> {
    const context: BrowserContext = await this.#browser.newContext({
      viewport: { width, height: 640 },
      colorScheme: dark ? 'dark' : 'light',
      javaScriptEnabled: scripts,
      bypassCSP: scripts,
    });
    context.setDefaultTimeout(8_000);
    return context.newPage();
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#folder.remove();
  }
}

/** What axe has against a page, a line each; the page needs scripts. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  await page.addScriptTag({ path: AXE });
  const found = (await page.evaluate(`axe.run(document, { runOnly: ${JSON.stringify(WCAG)} })`)) as {
    readonly violations: readonly {
      readonly id: string;
      readonly nodes: readonly { readonly html: string }[];
    }[];
    readonly passes: readonly unknown[];
  };
  if (found.passes.length === 0) throw new Error('axe has looked at nothing');
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** Whether there is something to the right that has to be scrolled to. */
export async function isTooWide(page: Page): Promise<boolean> {
  const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
  return width > (page.viewportSize()?.width ?? 0);
}
