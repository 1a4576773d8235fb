import { limit } from './cases/limit.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(limit);
