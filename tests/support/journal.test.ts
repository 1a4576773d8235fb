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
