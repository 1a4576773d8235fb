import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from './child.ts';
import type { JournalEntry, JournalSettings } from './journal-entry.ts';
import { waitFor } from './wait-for.ts';

export interface Journal extends AsyncDisposable {
  entries(): Promise<JournalEntry[]>;
  /** Resolves once the journal holds at least `count` entries that `counts` takes. */
  reaches(count: number, counts: (entry: JournalEntry) => boolean, timeout?: number): Promise<void>;
  /** Ends the load after the transactions that are open, and answers the whole journal. */
  finish(): Promise<JournalEntry[]>;
}

const defaults = {
  connections: 20,
  rate: 250,
  sizes: [1_024, 1_024, 4_096, 4_096, 4_096, 8_192, 32_768, 200_000],
  piece: 2_048,
  pause: 4,
  sender: 'journal@example.com',
  recipient: 'someone@example.net',
  startTls: false,
};

/** Reads a journal; a last line that was cut short is no entry. */
export const readJournal = async (file: string): Promise<JournalEntry[]> => {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line): JournalEntry => JSON.parse(line));
};

/** Starts the load client of the kill tests as a process of its own; its journal lies in `folder`. */
export const startJournal = (
  settings: Pick<JournalSettings, 'port' | 'username' | 'password'> & Partial<JournalSettings>,
  folder: string,
): Journal => {
  const file = settings.file ?? join(folder, 'journal.jsonl');
  const whole: JournalSettings = { ...defaults, ...settings, file };
  const child = startChild(process.execPath, [join(import.meta.dirname, 'journal-client.ts'), JSON.stringify(whole)]);
  const entries = () => readJournal(file);
  return {
    entries,
    reaches: async (count, counts, timeout = 30_000) => {
      await waitFor(
        `${count} entries of the journal`,
        async () => {
          const exit = child.exit();
          if (exit !== undefined) throw new Error(`the load client ended with ${exit.code}: ${child.stderr()}`);
          return (await entries()).filter(counts).length >= count;
        },
        { timeout, interval: 50 },
      );
    },
    finish: async () => {
      const exit = await child.stop(20_000);
      if (exit.code !== 0) throw new Error(`the load client ended with ${exit.code}: ${child.stderr()}`);
      return entries();
    },
    [Symbol.asyncDispose]: async () => {
      await child.kill();
    },
  };
};
