import { describeWith } from '../support/describe-with.ts';
import { openMongodb } from './mongodb-storage.ts';
import { describeTransactionNotes } from './transaction-notes.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeTransactionNotes('MongoDB', openMongodb),
);
