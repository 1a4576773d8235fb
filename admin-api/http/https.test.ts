import { X509Certificate } from 'node:crypto';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../../tests/support/describe-with.ts';
import { selfSigned } from '../../tests/support/self-signed.ts';
import { type TemporaryFolder, temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { checkAnswer } from '../testing/answer-check.ts';
import { startTestApi, type TestApi } from '../testing/start-test-api.ts';
import { wireTo } from '../testing/wire.ts';

describeWith(['openssl'], 'the API over HTTPS', () => {
  let folder: TemporaryFolder;
  let next: TemporaryFolder;
  let files: { certificate: string; key: string };
  let api: TestApi;
  beforeAll(async () => {
    [folder, next] = [await temporaryFolder('https'), await temporaryFolder('https')];
    files = await selfSigned(folder.path);
    api = await startTestApi({
      api: { tls: files },
      timeouts: { headers: 2_000, request: 4_000, keepAlive: 60_000 },
    });
  });
  afterAll(async () => {
    await api.close();
    await folder.remove();
    await next.remove();
  });

  /** Status and body, as somebody gets them who trusts this certificate. */
  const get = (target: string, agent: Agent): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const outgoing = request(`${api.url}${target}`, { agent }, (incoming) => {
        let text = '';
        incoming.on('data', (piece: Buffer) => {
          text += piece;
        });
        incoming.on('end', () => {
          const status = incoming.statusCode ?? 0;
          checkAnswer('GET', target, { status, headers: incoming.headers, text });
          resolve({ status, text });
        });
      });
      outgoing.on('error', reject).end();
    });
  const trusting = async () => new Agent({ ca: await readFile(files.certificate), keepAlive: true, maxSockets: 1 });
  const port = () => Number(new URL(api.url).port);
  const shown = (): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ port: port(), host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256);
        socket.destroy();
      });
      socket.once('error', reject);
    });

  test('answers with the configured certificate, and says so in its URL; the control socket stays as it is', async () => {
    expect(api.url).toMatch(/^https:/);
    const agent = await trusting();
    expect((await get('/health/live', agent)).status).toBe(200);
    expect((await get('/api/users', agent)).status).toBe(401);
    agent.destroy();
    expect((await wireTo({ socketPath: api.socket })('GET', '/api/users')).status).toBe(200);
  });

  test('speaks no HTTP and no old TLS there', async () => {
    await expect(fetch(api.url.replace('https', 'http'))).rejects.toThrow();
    const old = connectTls({ port: port(), host: '127.0.0.1', maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
    await new Promise((resolve) => old.once('error', resolve));
  });

  test('waits no longer for a handshake than for the head of a request', async () => {
    const silent = connect(port(), '127.0.0.1');
    silent.on('error', () => {});
    await new Promise((resolve) => silent.once('close', resolve));
  });

  test('takes another certificate while connections live, and keeps the old one where the new one cannot be used', async () => {
    const agent = await trusting();
    await get('/health/live', agent);
    const before = await shown();
    await writeFile(files.certificate, 'no certificate');
    await expect(api.reloadCertificate()).rejects.toMatchObject({ code: 'TLS_INVALID' });
    expect(await shown()).toBe(before);
    const made = await selfSigned(next.path);
    await copyFile(made.certificate, files.certificate);
    await copyFile(made.key, files.key);
    await api.reloadCertificate();
    expect(await shown()).toBe(new X509Certificate(await readFile(made.certificate)).fingerprint256);
    expect(await shown()).not.toBe(before);
    // The agent trusts the old one only: this is the connection from before.
    expect((await get('/health/live', agent)).status).toBe(200);
    agent.destroy();
  });
});
