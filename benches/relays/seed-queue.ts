import { createHash } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { createLog } from '../../core/observability/log.ts';
import { openMongodbStore } from '../../core/storage/mongodb/store.ts';
import type { MessageStore, NewMessage } from '../../core/storage/ports/message-store.ts';
import { openSqliteStore } from '../../core/storage/sqlite/store.ts';

const hour = 3_600_000;
const together = 2_000;
const text = Buffer.from(`Subject: waiting\r\n\r\n${'x'.repeat(900)}\r\n`);
const sha256 = createHash('sha256').update(text).digest('hex');

/** A message of 1 KB, deferred once, due between two and eight hours from now. */
const waitingMessage = (number: number): NewMessage => {
  const at = Date.now();
  const id = uuidv7();
  const domain = `domain${number % 5_000}.example.net`;
  return {
    facts: {
      id,
      origin: 'smtp',
      ownerId: 'bench',
      credentialId: 'bench',
      acceptedAt: at,
      source: { sessionId: id, listener: 'relay', clientAddress: '127.0.0.1', helo: 'bench.test', tls: null },
      sender: 'bench@example.com',
      parameters: {},
      size: text.length,
      sha256,
      messageId: `<${id}@bench.test>`,
      subject: 'waiting',
      headerEdits: [],
      notes: {},
      trace: [],
      pipelineVersion: 1,
    },
    recipients: [
      {
        address: `user${number}@${domain}`,
        domain,
        state: 'deferred',
        attempts: 1,
        nextAt: at + 2 * hour + (number % (6 * hour)),
        upstream: 'default',
        lastReply: null,
        finalAt: null,
      },
    ],
    // Handed over to the writer, so each needs its own.
    body: { kind: 'inline', bytes: Uint8Array.from(text) },
  };
};

const fill = async (store: MessageStore, messages: number): Promise<void> => {
  for (let from = 0; from < messages; from += together) {
    const count = Math.min(together, messages - from);
    await Promise.all(Array.from({ length: count }, (_, index) => store.commit(waitingMessage(from + index))));
  }
};

/** Fills the database of a cluster through the real store. */
export const seedCluster = async (uri: string, messages: number): Promise<void> => {
  const store = await openMongodbStore({ uri, log: createLog({ level: 'warn' }), ambiguousDelay: hour, poll: hour });
  try {
    await fill(store.messages, messages);
  } finally {
    await store.close();
  }
};

/** Fills the database of a data folder, which nobody may have open, through the real store. */
export const seedEmbedded = async (dataFolder: string, messages: number): Promise<void> => {
  const store = await openSqliteStore({
    folder: dataFolder,
    log: createLog({ level: 'warn' }),
    ambiguousDelay: hour,
    freeSpace: 0,
    unwritten: 64 * 1024 * 1024,
    retention: { captured: 24 * hour, log: 24 * hour, receiving: hour },
    sweep: 24 * hour,
  });
  try {
    await fill(store.messages, messages);
  } finally {
    await store.close();
  }
};
