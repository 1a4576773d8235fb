import { describeWith } from '../support/describe-with.ts';
import { describeDeliveryStatistics } from './delivery-statistics.ts';
import { openMongodb } from './mongodb-storage.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeDeliveryStatistics('MongoDB', openMongodb),
);
