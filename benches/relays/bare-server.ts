/* A bare smtp-server that throws mail away: the ceiling of what its parser allows. Prints its port. */
import { SMTPServer } from 'smtp-server';

const server = new SMTPServer({
  authOptional: true,
  allowInsecureAuth: true,
  disableReverseLookup: true,
  maxAllowedUnauthenticatedCommands: Number.POSITIVE_INFINITY,
  onAuth: (_auth, _session, callback) => callback(null, { user: 'bench' }),
  onData: (stream, _session, callback) => {
    stream.on('end', () => callback(null));
    stream.resume();
  },
});
server.on('error', (error) => console.error(error.message));
const listening = server.listen(0, '127.0.0.1', () => {
  const address = listening.address();
  console.log(typeof address === 'object' && address !== null ? address.port : 0);
});
