import { describeIdempotency } from './idempotency.ts';
import { openSqlite } from './sqlite-storage.ts';

describeIdempotency('SQLite', openSqlite);
