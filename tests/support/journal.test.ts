import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { startCaptureSink } from './capture-sink.ts';
import { startJournal } from './journal.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait-for.ts';

const login = { username: 'u', password: 'p' };

it('writes down every 250 with what was sent', async () => {
  await using sink = await startCaptureSink({ extensions: ['PIPELINING', 'AUTH PLAIN'] });
  await using folder = await temporaryFolder('journal');
  await using journal = startJournal({ port: sink.port, ...login, sizes: [1_024, 100_000] }, folder.path);
  await journal.reaches(50, (entry) => entry.event === 'accepted');
  const entries = await journal.finish();
  const accepted = entries.filter((entry) => entry.event === 'accepted');
  const promised = accepted.map((entry) => `${entry.messageId} ${entry.bodyHash}`).sort();
  expect(promised).toEqual(sink.mails.map((mail) => `${mail.messageId} ${mail.bodyHash}`).sort());
});

it('tells a connection lost within DATA from one lost after the dot, and goes on', async () => {
  await using sink = await startCaptureSink({ extensions: ['AUTH PLAIN'], dotDelay: 30 });
  await using folder = await temporaryFolder('journal');
  await using journal = startJournal({ port: sink.port, ...login, sizes: [20_000] }, folder.path);
  const cut = (phase: string) => (entry: { event: string; phase?: string }) =>
    entry.event === 'cut' && entry.phase === phase;
  await waitFor(
    'cuts in both phases',
    async () => {
      sink.cutAll();
      const entries = await journal.entries();
      return entries.some(cut('data')) && entries.some(cut('dot'));
    },
    { interval: 100 },
  );
  const before = (await journal.entries()).length;
  await journal.reaches(before + 20, () => true);
});

it('leaves no connection open that could not log in', async () => {
  const open = new Set<Socket>();
  let refused = 0;
  await using server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => {});
    socket.write('220 relay.test ESMTP\r\n');
    socket.on('data', (octets) => {
      const isLogin = octets.toString().startsWith('AUTH');
      if (isLogin) refused += 1;
      socket.write(isLogin ? '454 4.7.0 Try again later\r\n' : '250-relay.test\r\n250 AUTH PLAIN\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await using folder = await temporaryFolder('journal');
  {
    await using _ = startJournal({ port, ...login, connections: 5 }, folder.path);
    await waitFor('refused logins', () => refused > 50);
    expect(open.size).toBeLessThanOrEqual(10);
  }
});
