import { fcrdns } from './cases/fcrdns.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(fcrdns);
