import { dkim } from './cases/dkim.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(dkim);
