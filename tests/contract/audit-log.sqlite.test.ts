import { describeAuditLog } from './audit-log.ts';
import { openSqlite } from './sqlite-storage.ts';

describeAuditLog('SQLite', openSqlite);
