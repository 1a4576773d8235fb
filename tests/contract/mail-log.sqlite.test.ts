import { describeMailLog } from './mail-log.ts';
import { openSqlite } from './sqlite-storage.ts';

describeMailLog('SQLite', openSqlite);
