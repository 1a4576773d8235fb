import type { ProcessList, ProcessState } from '../ports/processes.ts';
import type { MongodbDatabase } from './client.ts';
import type { Index } from './indexes.ts';
import { upsert } from './upsert.ts';

export interface ProcessDocument extends Omit<ProcessState, 'id'> {
  readonly _id: string;
  readonly beats: number;
  readonly at: number;
}

export const processIndexes: readonly Index[] = [{ collection: 'processes', key: { at: 1 } }];

export function mongodbProcesses(database: MongodbDatabase): ProcessList {
  const processes = database.collection('processes');
  return {
    async beat({ id, ...state }, at) {
      await upsert(() =>
        database.ask(() =>
          processes.updateOne({ _id: id }, { $set: { ...state, at }, $inc: { beats: 1 } }, { upsert: true }),
        ),
      );
    },
    async list() {
      const found = await database.ask(() => processes.find({}, { sort: { _id: 1 } }).toArray());
      return found.map(({ _id, ...state }) => ({ id: _id, ...state }));
    },
    async leave(id) {
      await database.ask(() => processes.deleteOne({ _id: id }));
    },
  };
}
