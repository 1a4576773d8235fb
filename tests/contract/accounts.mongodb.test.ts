import { describeWith } from '../support/describe-with.ts';
import { describeAccounts } from './accounts.ts';
import { openMongodb } from './mongodb-storage.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeAccounts('MongoDB', openMongodb),
);
