import { describeWith } from '../support/describe-with.ts';
import { describeMailLog } from './mail-log.ts';
import { openMongodb } from './mongodb-storage.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeMailLog('MongoDB', openMongodb),
);
