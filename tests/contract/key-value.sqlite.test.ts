import { describeKeyValue } from './key-value.ts';
import { openSqlite } from './sqlite-storage.ts';

describeKeyValue('SQLite', openSqlite);
