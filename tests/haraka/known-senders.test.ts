import { knownSenders } from './cases/known-senders.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(knownSenders);
