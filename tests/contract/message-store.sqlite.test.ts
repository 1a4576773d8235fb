import { describeMessageStore } from './message-store.ts';
import { openSqlite } from './sqlite-storage.ts';

describeMessageStore('SQLite', openSqlite);
