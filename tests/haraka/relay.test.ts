import { relay } from './cases/relay.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(relay);
