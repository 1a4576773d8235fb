import type { z } from 'zod';
import type { logDetailSchema } from '../admin-api/routes/message-view.ts';
import type { Output } from './output.ts';
import { size } from './text.ts';

type Message = z.infer<typeof logDetailSchema>;

/** Everything about one message, as a page. */
export function showMessage(message: Message, output: Output): void {
  const { source } = message;
  output.pairs([
    ['Id', message.id],
    ['Status', message.being_delivered ? `${message.status}, being sent now` : message.status],
    ...(message.requested === null ? [] : [['Requested', message.requested] as const]),
    ['From', message.sender === '' ? '<>' : message.sender],
    ['Subject', message.subject ?? ''],
    ['Message-ID', message.message_id ?? ''],
    ['Size', message.size === null ? '' : size(message.size)],
    ['At', message.at],
    ...(source === null
      ? []
      : [
          [
            'Client',
            `${source.client_address} on ${source.listener}${source.tls === null ? ', in clear' : `, ${source.tls}`}`,
          ] as const,
        ]),
    ['SHA-256', message.sha256 ?? ''],
  ]);
  output.line();
  output.table(
    [
      { title: 'Recipient', flexible: true },
      { title: 'Status' },
      { title: 'Tries', align: 'right' },
      { title: 'Next' },
      { title: 'Upstream' },
      { title: 'Last reply', flexible: true },
    ],
    message.recipients.map((recipient) => [
      recipient.address,
      `${recipient.status ?? '-'}${recipient.ambiguous ? ' (ambiguous)' : ''}`,
      String(recipient.attempts),
      recipient.next_at ?? '-',
      recipient.upstream ?? '-',
      recipient.last_reply ?? '',
    ]),
  );
  if (message.attempts.length > 0) {
    output.line();
    output.table(
      [
        { title: 'Attempt' },
        { title: 'Upstream' },
        { title: 'Host', flexible: true },
        { title: 'Came to' },
        { title: 'Took', align: 'right' },
        { title: 'Result', flexible: true },
      ],
      message.attempts.map((attempt) => [
        attempt.at,
        attempt.upstream,
        attempt.host ?? '-',
        attempt.phase,
        `${Math.round(attempt.milliseconds)} ms`,
        attempt.results.map(({ recipient, status, reply }) => `${recipient}: ${status} ${reply}`).join('; '),
      ]),
    );
  }
  if (message.trace.length === 0) return;
  output.line();
  output.table(
    [
      { title: 'Hook' },
      { title: 'Plugin' },
      { title: 'Verdict' },
      { title: 'Took', align: 'right' },
      { title: 'Reply', flexible: true },
    ],
    message.trace.map(({ hook, plugin, verdict, microseconds, reply }) => [
      hook,
      plugin,
      verdict,
      `${Math.round(microseconds)} µs`,
      reply ?? '',
    ]),
  );
}
