import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A message as virtual(8) delivered it: one copy a recipient. */
export interface DeliveredMail {
  /** Envelope sender; empty for `<>`. */
  sender: string;
  recipient: string;
  /** All octets, lines ending in LF, with Return-Path, X-Original-To and Delivered-To in front. */
  raw: Buffer;
}

const field = (text: string, name: string): string =>
  new RegExp(`^${name}: *<?([^>\\n]*)>?$`, 'im').exec(text)?.[1] ?? '';

/** The messages of a Maildir in the order of their file names; none when there is no such folder yet. */
export const readMaildir = async (folder: string): Promise<DeliveredMail[]> => {
  const names = await readdir(join(folder, 'new')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return Promise.all(
    names.sort().map(async (name) => {
      const raw = await readFile(join(folder, 'new', name));
      const head = raw.toString('latin1', 0, 4096);
      return { sender: field(head, 'Return-Path'), recipient: field(head, 'Delivered-To'), raw };
    }),
  );
};
