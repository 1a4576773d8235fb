import { describeDeliveryStatistics } from './delivery-statistics.ts';
import { openSqlite } from './sqlite-storage.ts';

describeDeliveryStatistics('SQLite', openSqlite);
