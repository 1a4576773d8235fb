import { protocolEdges } from './cases/sessions/protocol-edges.ts';
import { describeSessions } from './harness/describe-cases.ts';

describeSessions('sessions at the edges of the protocol', protocolEdges);
