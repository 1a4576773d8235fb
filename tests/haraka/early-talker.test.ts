import { earlyTalker } from './cases/early-talker.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(earlyTalker);
