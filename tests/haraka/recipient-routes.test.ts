import { recipientRoutes } from './cases/recipient-routes.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(recipientRoutes);
