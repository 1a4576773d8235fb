import { describeSpool } from './spool.ts';
import { openSqlite } from './sqlite-storage.ts';

describeSpool('SQLite', openSqlite);
