import { mailFromIsResolvable } from './cases/mail-from-is-resolvable.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(mailFromIsResolvable);
