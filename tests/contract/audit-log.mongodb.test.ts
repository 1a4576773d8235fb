import { describeWith } from '../support/describe-with.ts';
import { describeAuditLog } from './audit-log.ts';
import { openMongodb } from './mongodb-storage.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeAuditLog('MongoDB', openMongodb),
);
