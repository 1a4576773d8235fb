import { tarpit } from './cases/tarpit.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(tarpit);
