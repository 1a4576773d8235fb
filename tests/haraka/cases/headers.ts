import type { PluginCases } from '../harness/plugin-cases.ts';
import { message, wholeSession } from '../harness/session.ts';
import type { Shown } from '../harness/shown.ts';

const date = 'Date: Mon, 30 Nov 2026 10:00:00 +0000';
const sender = 'From: Sender <sender@example.org>';
const id = 'Message-ID: <1@example.org>';
const subject = 'Subject: A test';

const mail = (...fields: readonly string[]): string =>
  `${['Received: (by the server)', subject, subject, ...fields, '', 'No more.', '.', '..two dots'].join('\r\n')}\r\n`;

const addedFields: Shown = {
  deviation: 'A message without Date or Message-ID',
  differences: [['mail 0.message', mail(), mail('Date: <date>', 'Message-ID: (by the server)')]],
};

export const headers: PluginCases = {
  plugin: 'headers',
  setups: [
    {
      name: 'refusing',
      files: () => ({
        'headers.ini':
          '[reject]\nduplicate_singular=true\nmissing_required=true\ninvalid_return_path=true\ninvalid_date=true\n' +
          'delivered_to=true\nfrom_phish=true\n',
      }),
      cases: [
        { name: 'two subjects', script: wholeSession({ message: message([sender, date, id, subject, subject]) }) },
        { name: 'no From', script: wholeSession({ message: message([date, id, subject]) }) },
        { name: 'no Date', script: wholeSession({ message: message([sender, id, subject]) }) },
        {
          name: 'a date of the last century',
          script: wholeSession({ message: message([sender, 'Date: Thu, 1 Jan 1998 10:00:00 +0000', id, subject]) }),
        },
        {
          name: 'a date that is none',
          script: wholeSession({ message: message([sender, 'Date: some time ago', id, subject]) }),
        },
        {
          name: 'a message that was delivered to its recipient before',
          script: wholeSession({ message: message([sender, dateNow(), id, 'Delivered-To: user@example.com']) }),
        },
        {
          name: 'a sender in the name of a brand',
          script: wholeSession({
            message: message(['From: "PayPal service" <service@example.org>', dateNow(), id, subject]),
          }),
        },
      ],
    },
    {
      name: 'judging',
      cases: [
        {
          name: 'takes a Return-Path away from what comes in',
          script: wholeSession({ message: message(['Return-Path: <x@example.org>', sender, date, id, subject]) }),
        },
        {
          name: 'knows mailing lists, programs and hops',
          script: wholeSession({
            message: message([
              'Received: from a.example by b.example; Mon, 30 Nov 2026 09:00:00 +0000',
              'Received: from c.example by d.example; Mon, 30 Nov 2026 08:00:00 +0000',
              'User-Agent: Example 1.0 (folded',
              '\tover two lines)',
              'X-Mailman-Version: 2.1.39',
              'Mailing-List: contact ezmlm-help@example.org',
              sender,
              date,
              id,
            ]),
          }),
        },
        {
          name: 'compares From with the envelope',
          script: wholeSession({
            from: 'bounce@lists.example.org',
            message: message(['From: =?UTF-8?Q?J=C3=BCrgen?= <sender@example.org>', date, id, subject]),
          }),
        },
        {
          name: 'says what is missing without refusing it',
          shows: addedFields,
          script: wholeSession({ from: '', message: message([subject, subject], 'No more.\n.\n..two dots') }),
        },
      ],
    },
  ],
};

/** A day ago: not too old, whenever this runs. */
function dateNow(): string {
  return `Date: ${new Date(Date.now() - 86_400_000).toUTCString().replace('GMT', '+0000')}`;
}
