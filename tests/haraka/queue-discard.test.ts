import { queueDiscard } from './cases/queue-discard.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(queueDiscard);
