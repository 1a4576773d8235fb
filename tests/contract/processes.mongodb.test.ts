import { describeWith } from '../support/describe-with.ts';
import { openMongodb } from './mongodb-storage.ts';
import { describeProcesses } from './processes.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeProcesses('MongoDB', openMongodb),
);
