import { openSqlite } from './sqlite-storage.ts';
import { describeWebhooks } from './webhooks.ts';

describeWebhooks('SQLite', openSqlite);
