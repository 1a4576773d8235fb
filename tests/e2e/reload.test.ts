import { X509Certificate } from 'node:crypto';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { ConfigInput } from '../../core/config/schema.ts';
import { type Account, createCredential, registerFirst, type SmtpCredential } from '../support/api-client.ts';
import { describeWith } from '../support/describe-with.ts';
import { freePort } from '../support/free-port.ts';
import { type Sluice, startSluice } from '../support/process.ts';
import { selfSigned } from '../support/self-signed.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { clientSession } from './support/client-session.ts';

/* SIGHUP while mail flows: plugins, certificates, and what must not be taken over. */

const phrase = (text: string) => `
  import { definePlugin, reject, reply, z } from 'sluice/plugin';
  export default definePlugin({
    name: 'phrase', version: '1.0.0', contract: 1, summary: '${text}', roles: ['smtp'],
    config: z.strictObject({ refused: z.string() }), needs: {},
    init: ({ config }) => ({
      hooks: { rcptTo: ({ recipient }) =>
        recipient.domain === config.refused ? reject(reply(550, '5.7.1', 'no mail to ' + config.refused)) : undefined },
    }),
  });`;

const logEntry = z.object({ items: z.array(z.object({ id: z.string(), subject: z.string().nullable() })) });
const traced = z.object({ pipeline_version: z.number() });

describeWith(['openssl'], 'SIGHUP', () => {
  let folder: TemporaryFolder;
  let certificates: TemporaryFolder;
  let relay: Sluice;
  let account: Account;
  let credential: SmtpCredential;
  let smtps: number;
  const files = { certificate: '', key: '' };

  /** Replaces the configured pair by a new one; answers its fingerprint. */
  const newCertificate = async (): Promise<string> => {
    const made = await selfSigned(certificates.path);
    await copyFile(made.certificate, files.certificate);
    await copyFile(made.key, files.key);
    return new X509Certificate(await readFile(files.certificate)).fingerprint256;
  };
  /** The certificate that a new handshake is shown. */
  const shown = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: smtps, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
        socket.destroy();
      });
      socket.once('error', reject);
    });
  const edit = async (change: (config: ConfigInput) => ConfigInput): Promise<void> =>
    writeFile(relay.configFile, stringify(change(parse(await readFile(relay.configFile, 'utf8')))));
  const refuse = (domain: string) =>
    edit((config) => ({
      ...config,
      plugins: config.plugins.map((entry) =>
        entry.id === 'phrase' ? { ...entry, config: { refused: domain } } : entry,
      ),
    }));
  /** Sends SIGHUP and waits until it is done, well or not; answers what was printed meanwhile. */
  const reload = async (): Promise<string> => {
    const before = relay.output().length;
    relay.child.signal('SIGHUP');
    await waitFor('the reload to end', () => /were read again|stays as it was/.test(relay.output().slice(before)));
    return relay.output().slice(before);
  };

  beforeAll(async () => {
    folder = await temporaryFolder('reload');
    certificates = await temporaryFolder('certificates');
    files.certificate = join(folder.path, 'relay.pem');
    files.key = join(folder.path, 'relay.key');
    await newCertificate();
    await writeFile(join(folder.path, 'phrase.ts'), phrase('Refuses a domain'));
    smtps = await freePort();
    relay = await startSluice({
      folder: folder.path,
      configure: (config) => ({
        ...config,
        smtp: {
          listeners: [
            ...(config.smtp?.listeners ?? []),
            { name: 'smtps', address: '127.0.0.1', port: smtps, tls: 'implicit' },
          ],
          tls: files,
        },
        plugins: [...config.plugins, { id: 'phrase', use: './phrase.ts', config: { refused: 'one.test' } }],
      }),
    });
    account = await registerFirst(relay.api);
    credential = await createCredential(account);
  });
  afterAll(async () => {
    await relay?.stop();
    await folder?.remove();
    await certificates?.remove();
  });

  /** The version of the pipeline that handled the message of this subject, as its log says. */
  const versionOf = (subject: string): Promise<number> =>
    waitFor('the log of the message', async () => {
      const { items } = logEntry.parse((await account.call('GET', '/api/mail-logs')).body);
      const found = items.find((item) => item.subject === subject);
      if (found === undefined) return undefined;
      return traced.parse((await account.call('GET', `/api/mail-logs/${found.id}`)).body).pipeline_version;
    });
  const mail = (subject: string) => `From: me@example.com\r\nSubject: ${subject}\r\n\r\nhello`;

  test('a changed plugin counts from the next transaction of an open session on, and the trace names the version', async () => {
    await using client = await clientSession(relay, credential);
    expect((await client.send('me@example.com', ['you@two.test'], mail('before'))).code).toBe(250);
    await client.expect(250, 'MAIL FROM:<me@example.com>');
    await client.expect(550, 'RCPT TO:<you@one.test>');
    await refuse('two.test');
    expect(await reload()).toContain('were read again');
    // A transaction ends with the pipeline it began with.
    await client.expect(550, 'RCPT TO:<you@one.test>');
    await client.expect(250, 'RCPT TO:<you@two.test>');
    await client.expect(354, 'DATA');
    await client.expect(250, `${mail('during')}\r\n.`);
    await client.expect(250, 'MAIL FROM:<me@example.com>');
    await client.expect(550, 'RCPT TO:<you@two.test>');
    await client.expect(250, 'RCPT TO:<you@one.test>');
    await client.expect(354, 'DATA');
    await client.expect(250, `${mail('after')}\r\n.`);
    const [before, during, after] = [await versionOf('before'), await versionOf('during'), await versionOf('after')];
    expect(during).toBe(before);
    expect(after).toBeGreaterThan(before);
  });

  test.each<[string, (config: ConfigInput) => ConfigInput, RegExp]>([
    [
      'a setting that does not exist',
      (config) => ({ ...config, log: { ...config.log, ...{ colour: 'red' } } }),
      /colour/,
    ],
    [
      'a plugin that does not exist',
      (config) => ({ ...config, plugins: [...config.plugins, { use: './nowhere.ts', id: 'nowhere' }] }),
      /There is no file/,
    ],
    [
      'a bad setting of a plugin',
      (config) => ({
        ...config,
        plugins: config.plugins.map((entry) => (entry.id === 'phrase' ? { ...entry, config: { refused: 7 } } : entry)),
      }),
      /phrase/,
    ],
  ])('%s is refused with its reason, and the old configuration stays', async (_, change, reason) => {
    const good = await readFile(relay.configFile, 'utf8');
    await using client = await clientSession(relay, credential);
    try {
      await edit(change);
      const said = await reload();
      expect(said).toMatch(reason);
      expect(said).toContain('stays as it was');
    } finally {
      await writeFile(relay.configFile, good);
    }
    await client.expect(250, 'MAIL FROM:<me@example.com>');
    await client.expect(550, 'RCPT TO:<you@two.test>');
    await client.expect(250, 'RCPT TO:<you@one.test>');
    await using fresh = await clientSession(relay, credential);
    expect((await fresh.send('me@example.com', ['you@one.test'], mail('still'))).code).toBe(250);
  });

  test('a replaced certificate is shown to new handshakes, while a TLS session of the old one lives on', async () => {
    await using old = await clientSession(relay, credential);
    const former = await shown();
    const fingerprint = await newCertificate();
    expect(fingerprint).not.toBe(former);
    expect(await shown(), 'nothing is watched').toBe(former);
    expect(await reload()).toContain('were read again');
    expect(await shown()).toBe(fingerprint);
    expect((await old.send('me@example.com', ['you@one.test'], mail('old session'))).code).toBe(250);
    await using fresh = await clientSession(relay, credential);
    expect((await fresh.send('me@example.com', ['you@one.test'], mail('new session'))).code).toBe(250);
  });

  test.each(['garbage', 'the key of another', 'nothing'])(
    'a certificate that is %s is refused, and the old one stays',
    async (kind) => {
      const former = await shown();
      const good = { certificate: await readFile(files.certificate), key: await readFile(files.key) };
      try {
        if (kind === 'garbage') await writeFile(files.certificate, 'garbage');
        else if (kind === 'nothing') await writeFile(files.certificate, '');
        else await copyFile((await selfSigned(certificates.path)).key, files.key);
        const said = await reload();
        expect(said).toMatch(/relay\.pem|certificate/);
        expect(said).toContain('stays as it was');
      } finally {
        await writeFile(files.certificate, good.certificate);
        await writeFile(files.key, good.key);
      }
      expect(await shown()).toBe(former);
      await using client = await clientSession(relay, credential);
      expect((await client.send('me@example.com', ['you@one.test'], mail(kind))).code).toBe(250);
    },
  );
});
