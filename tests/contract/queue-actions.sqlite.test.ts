import { describeQueueActions } from './queue-actions.ts';
import { openSqlite } from './sqlite-storage.ts';

describeQueueActions('SQLite', openSqlite);
