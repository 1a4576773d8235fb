import { describeWith } from '../support/describe-with.ts';
import { openMongodb } from './mongodb-storage.ts';
import { describeQueueActions } from './queue-actions.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeQueueActions('MongoDB', openMongodb),
);
