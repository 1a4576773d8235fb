import { spamassassin } from './cases/spamassassin.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(spamassassin);
