import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { cleanEnvironment, runChild, startChild } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { launcher } from '../support/process.ts';
import { selfSigned } from '../support/self-signed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const shown = (port: number): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256);
      socket.destroy();
    });
    socket.once('error', reject);
  });

describeWith(['openssl', 'curl'], 'the API by HTTPS', () => {
  test('is asked over TLS, and SIGHUP brings another certificate, or leaves the old one', async () => {
    await using folder = await temporaryFolder('https');
    const files = await selfSigned(folder.path);
    const config = {
      data_dir: join(folder.path, 'data'),
      smtp: { listeners: [{ name: 'relay', address: '127.0.0.1', port: 0 }] },
      // Beside the file: paths in it are looked for from there.
      api: { port: 0, tls: { certificate: 'certificate.pem', key: 'key.pem' } },
      observability: { port: 0 },
      plugins: [{ use: 'delivery' }],
    };
    const file = join(folder.path, 'sluice.yaml');
    await writeFile(file, stringify(config));
    const args = [launcher, 'start', 'all', '--config', file];
    await using child = startChild(process.execPath, args, { cwd: folder.path, env: cleanEnvironment() });
    const printed = () => child.stdout() + child.stderr();
    const url = await waitFor('the start', () => /https:\/\/127\.0\.0\.1:\d+/.exec(printed())?.[0], {
      timeout: 30_000,
      detail: printed,
    });
    const asked = await runChild('curl', ['-sS', '--fail', '--cacert', files.certificate, `${url}/health/live`]);
    expect([asked.code, asked.stdout]).toEqual([0, expect.stringContaining('"ok"')]);

    const port = Number(new URL(url).port);
    const before = await shown(port);
    expect(before).toBe(new X509Certificate(await readFile(files.certificate)).fingerprint256);
    const outcomes = () => printed().match(/were read again|stays as it was/g) ?? [];
    /** Sends SIGHUP and waits for what is said of it. */
    const reload = async (): Promise<string | undefined> => {
      const told = outcomes().length;
      child.signal('SIGHUP');
      return waitFor('the reload', () => outcomes()[told]);
    };
    await writeFile(files.certificate, 'no certificate');
    expect(await reload()).toBe('stays as it was');
    expect(await shown(port)).toBe(before);

    await selfSigned(folder.path);
    expect(await reload()).toBe('were read again');
    const after = await shown(port);
    expect(after).not.toBe(before);
    expect(after).toBe(new X509Certificate(await readFile(files.certificate)).fingerprint256);
  });
});
