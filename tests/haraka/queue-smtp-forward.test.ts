import { queueSmtpForward } from './cases/queue-smtp-forward.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(queueSmtpForward);
