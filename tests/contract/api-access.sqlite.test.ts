import { describeApiAccess } from './api-access.ts';
import { openSqlite } from './sqlite-storage.ts';

describeApiAccess('SQLite', openSqlite);
