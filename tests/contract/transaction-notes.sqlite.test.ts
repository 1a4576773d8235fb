import { openSqlite } from './sqlite-storage.ts';
import { describeTransactionNotes } from './transaction-notes.ts';

describeTransactionNotes('SQLite', openSqlite);
