import { describeWith } from '../support/describe-with.ts';
import { describeDeliveryStore } from './delivery-store.ts';
import { openMongodb } from './mongodb-storage.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeDeliveryStore('MongoDB', openMongodb),
);
