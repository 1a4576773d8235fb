import { describeAccounts } from './accounts.ts';
import { openSqlite } from './sqlite-storage.ts';

describeAccounts('SQLite', openSqlite);
