import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createCredential, registerFirst } from '../../support/api-client.ts';
import { startCaptureSink } from '../../support/capture-sink.ts';
import { type Child, cleanEnvironment, runChild, startChild } from '../../support/child.ts';
import { describeWith } from '../../support/describe-with.ts';
import { freePorts } from '../../support/free-port.ts';
import { testDatabase } from '../../support/mongodb-database.ts';
import { repository } from '../../support/process.ts';
import { runPython } from '../../support/python.ts';
import { greeting } from '../../support/tcp-ready.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait-for.ts';

interface Service {
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const compose: { readonly services: Readonly<Record<string, Service>> } = parse(
  await readFile(join(repository, 'docker-compose.yml'), 'utf8'),
  { merge: true },
);
const service = (name: string): Service => {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};

const inRepository = (path: string): string => join(repository, path);

/** GET by HTTPS from a server whose certificate nobody signed. */
const getInsecurely = (url: string): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    request(url, { rejectUnauthorized: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    })
      .on('error', reject)
      .end();
  });

/*
 * The processes, configuration files, scripts and environment that docker-compose.yml names, started without containers:
 * only addresses and folders are those of this machine.
 */
describeWith(
  ['mongodb', 'redis-server', 'postfix', 'nginx', 'nginx-stream', 'openssl', 'python3'],
  'what the Compose file starts',
  () => {
    test('takes mail at nginx and hands it to the upstream of its Postfix', async () => {
      await using folder = await temporaryFolder('compose', 0o755);
      const within = (name: string) => join(folder.path, name);
      await using database = await testDatabase();
      await using sink = await startCaptureSink();
      await using children = new AsyncDisposableStack();
      const start = (command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Child => {
        const child = startChild(command, args, { cwd: repository, env: cleanEnvironment(env), group: true });
        children.defer(async () => void (await child.stop(35_000)));
        return child;
      };
      const ports = await freePorts(13);
      const [redisPort = 0, postfixPort = 0, apiPort = 0, relay = 0, submission = 0, submissions = 0] = ports;
      const [, , , , , , publicRelay = 0, publicSubmission = 0, publicSubmissions = 0, http = 0, https = 0, well = 0] =
        ports;

      // Secrets, by the container that makes them; addresses in them are those of Compose's network.
      const [, script = '', ,] = service('make-secrets').entrypoint ?? [];
      const made = await runChild(process.execPath, [
        inRepository(script),
        within('secrets'),
        within('server-secrets'),
      ]);
      expect(made.code, made.stderr).toBe(0);
      const secret = (name: string) => readFile(within(`secrets/${name}`), 'utf8');
      expect(await secret('mongodb_uri')).toMatch(/^mongodb:\/\/sluice:\w+@mongodb:27017\/sluice\?replicaSet=sluice/);
      const redisUrl = (await secret('redis_url')).replace('redis:6379', `127.0.0.1:${redisPort}`);
      await chmod(within('secrets/redis_url'), 0o600);
      await writeFile(within('secrets/redis_url'), redisUrl);
      await chmod(within('secrets/mongodb_uri'), 0o600);
      await writeFile(within('secrets/mongodb_uri'), database.uri);

      const [redisServer = '', redisFile = ''] = service('redis').command ?? [];
      const redisConf = await readFile(redisFile.replace('/secrets', within('server-secrets')), 'utf8');
      expect(redisConf).toContain('maxmemory-policy noeviction');
      await writeFile(within('redis.conf'), redisConf.replace('dir /data', `dir ${folder.path}`));
      const redis = start(redisServer, [within('redis.conf'), '--port', `${redisPort}`, '--bind', '127.0.0.1']);
      await waitFor('Redis to be ready', () => redis.stdout().includes('Ready to accept connections'), {
        detail: () => redis.stdout() + redis.stderr(),
      });

      // Postfix, by its entrypoint, with our port, queue and network.
      for (const name of ['postfix-files', 'postfix', 'queue', 'data']) await mkdir(within(name));
      expect((await runChild('chown', ['postfix', within('data')])).code).toBe(0);
      // Outside a container its master leaves the group of the process that it was started by.
      children.defer(async () => void (await runChild('postfix', ['-c', within('postfix'), 'stop'])));
      const mainCf = await readFile(inRepository('configs/postfix/main.cf'), 'utf8');
      expect(mainCf).toContain('mynetworks = 127.0.0.0/8');
      const queue = `queue_directory = ${within('queue')}\ndata_directory = ${within('data')}\nmaillog_file_prefixes = /dev/stdout, ${folder.path}\n`;
      await writeFile(within('postfix-files/main.cf'), `${mainCf}\n${queue}`);
      const masterCf = await readFile(inRepository('configs/postfix/master.cf'), 'utf8');
      await writeFile(
        within('postfix-files/master.cf'),
        masterCf.replace(/^smtp( +inet)/m, `127.0.0.1:${postfixPort}$1`),
      );
      // It opens /dev/stdout, which no socket lets it; a container's output is none.
      const entrypoint = `exec bash ${inRepository('deploy/postfix/entrypoint.sh')} > ${within('postfix.log')} 2>&1`;
      const postfix = start('bash', ['-c', entrypoint], {
        FROM: within('postfix-files'),
        CONFIGURATION: within('postfix'),
        POSTFIX_HOSTNAME: 'postfix.test',
        POSTFIX_RELAYHOST: `[127.0.0.1]:${sink.port}`,
      });
      await waitFor('Postfix to greet', async () => postfix.exit() !== undefined || (await greeting(postfixPort)), {
        timeout: 30_000,
      });
      expect(postfix.exit(), await readFile(within('postfix.log'), 'utf8')).toBeUndefined();

      // The three kinds of process, as their services say.
      const sluice: [string, Child][] = [];
      for (const [n, name] of ['smtp-relay-api', 'smtp-relay-server', 'smtp-relay-worker'].entries()) {
        const { command = [], environment = {} } = service(name);
        await mkdir(within(`data-${name}`));
        const env = Object.fromEntries(
          Object.entries(environment).map(([key, value]) => [
            key,
            value
              .replace('/sluice/configs', inRepository('configs'))
              .replace('/secrets', within('secrets'))
              .replace(/^\/data$/, within(`data-${name}`)),
          ]),
        );
        const child = start(process.execPath, [inRepository('bin/sluice.js'), ...command], {
          ...env,
          SLUICE_OBSERVABILITY__PORT: String((await freePorts(1))[0]),
          API_PORT: String(apiPort),
          SLUICE_SMTP__LISTENERS__RELAY__PORT: String(relay),
          SLUICE_SMTP__LISTENERS__SUBMISSION__PORT: String(submission),
          SLUICE_SMTP__LISTENERS__SUBMISSIONS__PORT: String(submissions),
          SLUICE_SMTP__LISTENERS__RELAY__PROXY_PROTOCOL: '127.0.0.1/32',
          SLUICE_SMTP__LISTENERS__SUBMISSION__PROXY_PROTOCOL: '127.0.0.1/32',
          SLUICE_SMTP__LISTENERS__SUBMISSIONS__PROXY_PROTOCOL: '127.0.0.1/32',
          UPSTREAM_SMTP_HOST: '127.0.0.1',
          UPSTREAM_SMTP_PORT: String(postfixPort),
        });
        expect(command, name).toEqual(['start', ['api', 'smtp', 'worker'][n]]);
        sluice.push([name, child]);
      }
      for (const [name, child] of sluice) {
        await waitFor(
          `${name} to run`,
          () => child.exit() !== undefined || child.stdout().includes('Sluice is running'),
          {
            timeout: 60_000,
            detail: () => child.stdout() + child.stderr(),
          },
        );
        expect(child.exit(), name + child.stderr()).toBeUndefined();
      }

      // nginx: names of containers become ports of this machine, public ports free ones.
      await mkdir(within('certificate'));
      const certificate = await runChild('sh', [inRepository('configs/nginx/certificate.sh'), within('certificate')]);
      expect(certificate.code, certificate.stderr).toBe(0);
      let nginxConf = await readFile(inRepository('configs/nginx/nginx.conf'), 'utf8');
      const replacements: [string | RegExp, string][] = [
        ['user nginx;', 'daemon off;'],
        ['/run/nginx.pid', within('nginx.pid')],
        [/\/etc\/nginx\/certificate/g, within('certificate')],
        ['smtp-relay-api:8080', `127.0.0.1:${apiPort}`],
        ['smtp-relay-server:2525', `127.0.0.1:${relay}`],
        ['smtp-relay-server:2587', `127.0.0.1:${submission}`],
        ['smtp-relay-server:2465', `127.0.0.1:${submissions}`],
        [/listen \[::\]:.*\n/g, '\n'],
        [/listen 8081/, `listen 127.0.0.1:${well}`],
        [/listen 80 /, `listen 127.0.0.1:${http} `],
        [/listen 443 /, `listen 127.0.0.1:${https} `],
        [/listen 2525/, `listen 127.0.0.1:${publicRelay}`],
        [/listen 587/, `listen 127.0.0.1:${publicSubmission}`],
        [/listen 465/, `listen 127.0.0.1:${publicSubmissions}`],
      ];
      for (const [from, to] of replacements) {
        expect(nginxConf, `${from}`).toMatch(from);
        nginxConf = nginxConf.replaceAll(typeof from === 'string' ? from : new RegExp(from.source, 'g'), to);
      }
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
      const paths = temporary.map((name) => `${name}_temp_path ${within(`nginx-${name}`)};`).join(' ');
      await writeFile(within('nginx.conf'), nginxConf.replace('http {', `http { ${paths}`));
      const nginxArguments = [
        '-c',
        within('nginx.conf'),
        '-g',
        'load_module /usr/lib/nginx/modules/ngx_stream_module.so;',
      ];
      const tested = await runChild('nginx', ['-t', ...nginxArguments]);
      expect(tested.code, tested.stderr).toBe(0);
      const nginx = start('nginx', nginxArguments);
      await waitFor('nginx to pass SMTP on', () => greeting(publicRelay), { detail: () => nginx.stderr() });

      const account = await registerFirst(`http://127.0.0.1:${apiPort}`);
      const credential = await createCredential(account);
      const program = `
import smtplib, ssl
from email.mime.text import MIMEText
context = ssl._create_unverified_context()
def send(server, subject):
    server.login(${JSON.stringify(credential.username)}, ${JSON.stringify(credential.password)})
    message = MIMEText('hello'); message['Subject'] = subject
    message['From'] = 'sender@example.com'; message['To'] = 'recipient@example.com'
    server.send_message(message); server.quit()
for port in (${publicRelay}, ${publicSubmission}):
    server = smtplib.SMTP('127.0.0.1', port); server.starttls(context=context); send(server, 'port %d' % port)
send(smtplib.SMTP_SSL('127.0.0.1', ${publicSubmissions}, context=context), 'by TLS')
`;
      const sent = await runPython(program);
      expect(sent.code, sent.stderr).toBe(0);
      const mails = await sink.received(3, 60_000);
      expect(mails.map(({ sender }) => sender)).toEqual(Array(3).fill('sender@example.com'));
      expect(mails.map(({ raw }) => /^Subject: (.*?)\r?$/m.exec(raw.toString())?.[1]).sort()).toEqual(
        ['by TLS', `port ${publicRelay}`, `port ${publicSubmission}`].sort(),
      );

      const health = await getInsecurely(`https://127.0.0.1:${https}/health`);
      expect(health.status).toBe(200);
      const redirected = await fetch(`http://127.0.0.1:${http}/health`, { redirect: 'manual' });
      expect(redirected.status).toBe(308);

      for (const [name, child] of sluice) {
        expect([name, await child.stop(35_000)]).toEqual([name, { code: 0, signal: null }]);
      }
    });
  },
);
