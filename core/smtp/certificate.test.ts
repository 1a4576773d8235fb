import { X509Certificate } from 'node:crypto';
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FrontEndLab, openLab } from '../../tests/support/front-end-lab.ts';
import { selfSigned } from '../../tests/support/self-signed.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { loadCertificate } from './certificate.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const shown = (port: number): Promise<PeerCertificate> =>
  new Promise((resolve, reject) => {
    const socket = connectTls({ port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.once('error', reject);
  });

describe('the self-signed certificate', () => {
  it('is made at the first start for our name and this machine, kept, and its key shown to nobody', async () => {
    await using folder = await temporaryFolder('certificate');
    const source = { dataDirectory: folder.path, hostname: 'relay.example' };
    const made = await loadCertificate(source);
    const certificate = new X509Certificate(made.cert);
    expect(certificate.checkHost('relay.example')).toBe('relay.example');
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.ca).toBe(false);
    expect(certificate.validToDate.getTime()).toBeGreaterThan(Date.now() + 9 * 365 * 86_400_000);
    expect((await stat(join(folder.path, 'tls/key.pem'))).mode & 0o777).toBe(0o600);
    expect(await loadCertificate(source)).toEqual(made);
  });

  it('is made anew where it is damaged, or gone without its key', async () => {
    await using folder = await temporaryFolder('certificate');
    const source = { dataDirectory: folder.path, hostname: 'relay.example' };
    const first = await loadCertificate(source);
    await writeFile(join(folder.path, 'tls/certificate.pem'), 'no certificate');
    const second = await loadCertificate(source);
    expect(second.cert).not.toBe(first.cert);
    expect(new X509Certificate(second.cert).checkHost('localhost')).toBe('localhost');
  });

  it('is made anew a month before it expires', async () => {
    await using folder = await temporaryFolder('certificate');
    const { certificate, key } = await selfSigned(folder.path, 20);
    await mkdir(join(folder.path, 'tls'));
    await copyFile(certificate, join(folder.path, 'tls/certificate.pem'));
    await copyFile(key, join(folder.path, 'tls/key.pem'));
    const made = await loadCertificate({ dataDirectory: folder.path, hostname: 'relay.example' });
    expect(made.cert).not.toBe(await readFile(certificate, 'utf8'));
  });
});

describe('a configured certificate', () => {
  it('that cannot be used is refused with what to do', async () => {
    await using one = await temporaryFolder('certificate');
    await using two = await temporaryFolder('certificate');
    const first = await selfSigned(one.path);
    const second = await selfSigned(two.path);
    const source = { dataDirectory: one.path, hostname: 'relay.example' };
    const load = (given: { certificate?: string; key?: string }) => loadCertificate({ ...source, ...given });
    await expect(load({ certificate: first.certificate })).rejects.toMatchObject({
      code: 'TLS_INVALID',
      message: expect.stringContaining('smtp.tls.key'),
    });
    await expect(load({ certificate: '/nowhere', key: first.key })).rejects.toMatchObject({
      code: 'TLS_INVALID',
      message: expect.stringContaining('/nowhere cannot be read'),
    });
    await expect(load({ certificate: first.certificate, key: second.key })).rejects.toMatchObject({
      code: 'TLS_INVALID',
    });
    await expect(load({ certificate: first.key, key: first.key })).rejects.toMatchObject({ code: 'TLS_INVALID' });
  });

  it('is read again without ending a session; a bad one is refused and the old one stays', async () => {
    await using folder = await temporaryFolder('certificate');
    await using other = await temporaryFolder('certificate');
    const { certificate, key } = await selfSigned(folder.path);
    await using server = await lab.start({
      listeners: [{ name: 'implicit', tls: 'implicit' }, { name: 'starttls' }],
      tls: { certificate, key },
    });
    const port = server.ports.implicit ?? 0;
    const before = await shown(port);
    await using open = await SmtpDialogue.open(port, { tls: true });

    await writeFile(certificate, 'no certificate');
    await expect(server.frontEnd.reloadCertificate()).rejects.toMatchObject({ code: 'TLS_INVALID' });
    expect((await shown(port)).fingerprint256).toBe(before.fingerprint256);

    const next = await selfSigned(other.path);
    await copyFile(next.certificate, certificate);
    await copyFile(next.key, key);
    await server.frontEnd.reloadCertificate();
    const after = await shown(port);
    expect(after.fingerprint256).not.toBe(before.fingerprint256);
    expect(after.fingerprint256).toBe(new X509Certificate(await readFile(next.certificate)).fingerprint256);
    await open.expect(250, 'NOOP');

    await using upgraded = await SmtpDialogue.open(server.ports.starttls ?? 0);
    await upgraded.startTls();
    await upgraded.expect(250, 'NOOP');
  });
});
