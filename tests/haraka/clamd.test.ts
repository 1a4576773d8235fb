import { clamd } from './cases/clamd.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(clamd);
