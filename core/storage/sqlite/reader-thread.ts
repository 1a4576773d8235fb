import { parentPort, workerData } from 'node:worker_threads';
import { openForReading } from './database.ts';
import { readProcedures } from './read-procedures.ts';
import type { ReadAnswer, ReadCall } from './reader-client.ts';
import { storeError } from './store-error.ts';

/** What the thread is started with. */
export interface ReaderThreadData {
  readonly file: string;
}

const parent = parentPort;
if (parent === null) throw new Error('this file is the entry of a worker thread');

const database = openForReading((workerData as ReaderThreadData).file);
const procedures = readProcedures(database);

function answer({ call, method, parameters }: ReadCall): ReadAnswer {
  const procedure: (...parameters: never[]) => unknown = procedures[method];
  try {
    return { call, result: procedure(...(parameters as never[])) };
  } catch (error) {
    const { code, message } = storeError(error, false);
    return { call, failure: { failed: code, message: `${message} (${error})` } };
  }
}

parent.on('message', (call: ReadCall | 'close') => {
  if (call === 'close') {
    database.close();
    parent.close();
  } else {
    parent.postMessage(answer(call));
  }
});
