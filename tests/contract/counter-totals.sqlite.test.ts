import { describeCounterTotals } from './counter-totals.ts';
import { openSqlite } from './sqlite-storage.ts';

describeCounterTotals('SQLite', openSqlite);
