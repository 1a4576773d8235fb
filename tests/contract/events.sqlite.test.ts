import { describeEvents } from './events.ts';
import { openSqlite } from './sqlite-storage.ts';

describeEvents('SQLite', openSqlite);
