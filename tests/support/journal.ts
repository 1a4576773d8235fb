import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from './child.ts';
import type { JournalEntry, JournalSettings } from './journal-entry.ts';
import { waitFor } from './wait-for.ts';

export interface Journal extends AsyncDisposable {
  entries(): Promise<JournalEntry[]>;
  /** Resolves once the journal holds at least `count` entries that `counts` takes. */
  reaches(count: number, counts: (entry: JournalEntry) => boolean, timeout?: number): Promise<void>;
  /** Ends the load after the transactions that are open, within `grace` ms (default 20,000), and answers the whole journal. */
  finish(grace?: number): Promise<JournalEntry[]>;
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
  reconnect: 10,
};

const newLine = 0x0a;

/** Reads what was added since it was last asked, and answers all there is; a last line that was cut short is no entry. */
const journalReader = (file: string): (() => Promise<JournalEntry[]>) => {
  const entries: JournalEntry[] = [];
  let position = 0;
  const readOn = async (): Promise<void> => {
    await using handle = await open(file).catch(() => null);
    if (handle === null) return;
    const { size } = await handle.stat();
    if (size === position) return;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - position), 0, size - position, position);
    const whole = buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf(newLine) + 1);
    position += whole.length;
    for (const line of whole.toString('utf8').split('\n')) if (line !== '') entries.push(JSON.parse(line));
  };
  let reading = Promise.resolve();
  return async () => {
    reading = reading.then(readOn);
    await reading;
    return [...entries];
  };
};

/** Starts the load client of the kill tests as a process of its own; its journal lies in `folder`. */
export const startJournal = (
  settings: Pick<JournalSettings, 'port' | 'username' | 'password'> & Partial<JournalSettings>,
  folder: string,
): Journal => {
  const file = settings.file ?? join(folder, 'journal.jsonl');
  const whole: JournalSettings = { ...defaults, ...settings, file };
  const child = startChild(process.execPath, [join(import.meta.dirname, 'journal-client.ts'), JSON.stringify(whole)]);
  const entries = journalReader(file);
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
        {
          timeout,
          interval: 50,
          detail: async () =>
            `${JSON.stringify((await entries()).slice(-5), null, 1)}\n${child.stderr().slice(-2_000)}`,
        },
      );
    },
    finish: async (grace = 20_000) => {
      const exit = await child.stop(grace);
      if (exit.code !== 0) throw new Error(`the load client ended with ${exit.code ?? exit.signal}: ${child.stderr()}`);
      return entries();
    },
    [Symbol.asyncDispose]: async () => {
      await child.kill();
    },
  };
};
