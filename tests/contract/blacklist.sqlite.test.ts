import { describeBlacklist } from './blacklist.ts';
import { openSqlite } from './sqlite-storage.ts';

describeBlacklist('SQLite', openSqlite);
