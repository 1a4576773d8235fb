import { openSqlite } from './sqlite-storage.ts';
import { describeSubmission } from './submission.ts';

describeSubmission('SQLite', openSqlite);
