import { createHash } from 'node:crypto';
import { type Stub, startStub } from './clamd-stub.ts';
import { normaliseMessage } from './normalise.ts';

/**
 * Speaks spamd's HEADERS command. `spam: SCORE` in a message is its score (default 0); 5 is required. A checksum of all
 * it was given is among the headers it answers, so that what plugins stream to it is compared, too.
 */
export const startSpamdStub = (): Promise<Stub> =>
  startStub((socket) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('end', () => {
      const input = Buffer.concat(chunks).toString('latin1');
      const message = input.slice(input.indexOf('\r\n\r\n') + 4);
      const score = Number(/spam: (-?[\d.]+)/.exec(message)?.[1] ?? 0);
      const given = normaliseMessage(Buffer.from(message, 'latin1'));
      const lines = [
        'SPAMD/1.1 0 EX_OK',
        `Spam: ${score >= 5 ? 'True' : 'False'} ; ${score.toFixed(1)} / 5.0`,
        '',
        ...(score >= 5 ? ['X-Spam-Flag: YES'] : []),
        `X-Spam-Status: ${score >= 5 ? 'Yes' : 'No'}, score=${score.toFixed(1)} required=5.0`,
        '\ttests=TEST_ONE,TEST_TWO autolearn=no',
        `X-Spam-Checksum: ${createHash('sha256').update(given).digest('hex')}`,
        `X-Spam-User: ${/^User: (.*)\r$/m.exec(input)?.[1] ?? '(none)'}`,
      ];
      socket.end(`${lines.join('\r\n')}\r\n\r\n`);
    });
  });
