import { recordEnvelopeAddresses } from './cases/record-envelope-addresses.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(recordEnvelopeAddresses);
