import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { available } from '../../tests/support/available.ts';
import { describeWith } from '../../tests/support/describe-with.ts';
import { password, startTestApi, type TestApi } from '../testing/start-test-api.ts';

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describeWith(['chromium'], 'Swagger UI in Chromium', () => {
  let api: TestApi;
  let browser: Browser;
  let page: Page;
  const requested: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    api = await startTestApi();
    await api.administrator();
    // Launched so, the browser has a new profile in a folder of its own.
    browser = await chromium.launch({
      executablePath: available('chromium').found ?? '',
      headless: true,
      chromiumSandbox: false,
      args: quiet,
    });
    page = await browser.newPage({ viewport: { width: 1200, height: 1600 } });
    page.on('request', (request) => requested.push(request.url()));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
  });
  afterAll(async () => {
    await browser?.close();
    await api?.close();
  });

  const operation = (id: string) => page.locator(`.opblock[id$="-${id}"]`);
  const execute = async (id: string, body?: object) => {
    const block = operation(id);
    await block.locator('.opblock-summary-control').click();
    await block.getByRole('button', { name: 'Try it out' }).click();
    if (body !== undefined) await block.locator('textarea.body-param__text').fill(JSON.stringify(body));
    await block.getByRole('button', { name: 'Execute' }).click();
    const answer = block.locator('.live-responses-table');
    await answer.waitFor();
    return {
      status: (await answer.locator('tbody .response-col_status').first().innerText()).trim(),
      text: await answer.locator('.highlight-code code').first().innerText(),
    };
  };

  test('shows every tag and operation', async () => {
    await page.goto(new URL('/swagger/index.html', api.url).href);
    await operation('login').waitFor();
    const { paths } = (await (await fetch(new URL('/openapi.json', api.url))).json()) as { paths: object };
    const operations = Object.values(paths).flatMap((path: object) => Object.keys(path));
    expect(await page.locator('.opblock').count()).toBe(operations.length);
  });

  test('logs in, takes the token, and makes a call with it', async () => {
    expect((await execute('listUsers')).status).toBe('401');

    const { status, text } = await execute('login', { email: 'root@example.com', password });
    expect(status).toBe('200');
    const { token } = JSON.parse(text) as { token: string };
    await page.locator('.auth-wrapper .btn.authorize').click();
    const dialog = page.locator('.dialog-ux');
    await dialog.locator('input').fill(token);
    await dialog.getByRole('button', { name: 'Apply credentials' }).click();
    await dialog.getByRole('button', { name: 'Close' }).click();

    await operation('listUsers').getByRole('button', { name: 'Execute' }).click();
    const answer = operation('listUsers').locator('.live-responses-table');
    await answer.getByText('root@example.com').first().waitFor();
    expect((await answer.locator('tbody .response-col_status').first().innerText()).trim()).toBe('200');
    const screenshot = process.env.SLUICE_TEST_SCREENSHOT;
    if (screenshot !== undefined) await page.screenshot({ path: screenshot, fullPage: false });
  });

  test('asks nobody but Sluice for anything, and the browser has nothing to complain of', () => {
    expect(requested.length).toBeGreaterThan(5);
    const outside = requested.filter(
      (url) => !url.startsWith('data:') && new URL(url).origin !== new URL(api.url).origin,
    );
    expect(outside).toEqual([]);
    // The call without a token; a breach of the content security policy would stand here, too.
    expect(complaints).toEqual([expect.stringContaining('401 (Unauthorized)')]);
  });
});
