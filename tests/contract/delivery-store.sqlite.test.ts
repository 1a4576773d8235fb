import { describeDeliveryStore } from './delivery-store.ts';
import { openSqlite } from './sqlite-storage.ts';

describeDeliveryStore('SQLite', openSqlite);
