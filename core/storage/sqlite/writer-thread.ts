import { join } from 'node:path';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { openForWriting } from './database.ts';
import { DiskSpace } from './disk-space.ts';
import { MarkFile } from './mark.ts';
import type { Failure } from './protocol.ts';
import { checkMark } from './start-check.ts';
import { storeError } from './store-error.ts';
import { StoreRow } from './store-row.ts';
import { Writer } from './writer.ts';
import { WriterService } from './writer-service.ts';

/** What the thread is started with. */
export interface WriterThreadData {
  readonly folder: string;
  readonly file: string;
  readonly acceptLoss: boolean;
  readonly ambiguousDelay: number;
  readonly lowWater: number;
  readonly reserve: number;
}

/** Commands from the thread that started this one: a port to serve, or the end. */
export type WriterCommand = { readonly serve: MessagePort } | { readonly close: true };

/** Its answers: once at the start, once at the end. */
export type WriterReport =
  | { readonly report: 'ready'; readonly warning: string | null; readonly abandoned: number }
  | { readonly report: 'failed'; readonly failure: Failure }
  | { readonly report: 'closed' };

const parent = parentPort;
if (parent === null) throw new Error('this file is the entry of a worker thread');

const report = (message: WriterReport): void => parent.postMessage(message);

async function start(data: WriterThreadData, disk: DiskSpace): Promise<void> {
  // What waits has to be delivered, all the more on a full disk: opening takes some room.
  if (!disk.hasRoomNow()) disk.release();
  const database = await openForWriting(data.file);
  const markFile = join(data.folder, 'accepted.mark');
  const store = new StoreRow(database);
  const warning = checkMark(markFile, store, data.acceptLoss);
  const mark = new MarkFile(markFile, store.databaseId);
  mark.write(store.commitSeq);
  if (disk.hasRoomNow()) disk.take();
  const writer = new Writer(database, { mark, disk, ambiguousDelay: data.ambiguousDelay });
  const abandoned = writer.abandonAll();
  const service = new WriterService(writer, data.file);

  parent?.on('message', (command: WriterCommand) => {
    if ('serve' in command) {
      service.serve(command.serve);
      return;
    }
    service.close();
    try {
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // A full disk: the WAL stays and is read at the next start.
    }
    database.close();
    mark.close();
    report({ report: 'closed' });
    parent?.close();
  });
  report({ report: 'ready', warning, abandoned });
}

const data = workerData as WriterThreadData;
const disk = new DiskSpace(data.folder, data);
start(data, disk).catch((error: unknown) => {
  const { code, message, cause } = storeError(error, !disk.hasRoomNow());
  report({
    report: 'failed',
    failure: { failed: code, message: cause === undefined ? message : `${message}: ${cause}` },
  });
  parent.close();
});
