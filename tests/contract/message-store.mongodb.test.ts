import { describeWith } from '../support/describe-with.ts';
import { describeMessageStore } from './message-store.ts';
import { openMongodb } from './mongodb-storage.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeMessageStore('MongoDB', openMongodb),
);
