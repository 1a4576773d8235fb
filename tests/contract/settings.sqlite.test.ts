import { describeSettings } from './settings.ts';
import { openSqlite } from './sqlite-storage.ts';

describeSettings('SQLite', openSqlite);
