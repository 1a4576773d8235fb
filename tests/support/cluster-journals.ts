import { join } from 'node:path';
import type { SmtpCredential } from './api-client.ts';
import type { Cluster } from './cluster.ts';
import { type Journal, startJournal } from './journal.ts';
import type { JournalEntry, JournalSettings } from './journal-entry.ts';

/** What the relay gave a 250 for: its promise to deliver it. */
export type PromisedMail = JournalEntry & { event: 'accepted' };

/** A journal for each SMTP process, as they promise mail at the same time. */
export const startJournals = (
  cluster: Cluster,
  { username, password }: SmtpCredential,
  settings: Partial<JournalSettings>,
): Journal[] =>
  cluster.smtp.map(({ port }, n) =>
    startJournal(
      { port: port ?? 0, username, password, ...settings, file: join(cluster.folder, `journal-${n}.jsonl`) },
      cluster.folder,
    ),
  );

export const isAccepted = (entry: JournalEntry): entry is PromisedMail => entry.event === 'accepted';

/** So many of each journal are accepted from now on. */
export async function moreAccepted(journals: readonly Journal[], count: number, timeout = 60_000): Promise<void> {
  await Promise.all(
    journals.map(async (journal) => {
      const before = (await journal.entries()).filter(isAccepted).length;
      await journal.reaches(before + count, isAccepted, timeout);
    }),
  );
}
