import type { PluginCases } from '../harness/plugin-cases.ts';
import { dated, message, wholeSession } from '../harness/session.ts';

interface Part {
  readonly type: string;
  readonly name?: string;
  readonly content: string;
}

const withParts = (...parts: readonly Part[]): string =>
  message(
    [
      'From: a@example.org',
      ...dated,
      'Subject: parts',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary="b"',
    ],
    [
      ...parts.flatMap(({ type, name, content }) => [
        '--b',
        `Content-Type: ${type}`,
        ...(name === undefined ? [] : [`Content-Disposition: attachment; filename="${name}"`]),
        'Content-Transfer-Encoding: base64',
        '',
        ...(Buffer.from(content)
          .toString('base64')
          .match(/.{1,76}/g) ?? []),
      ]),
      '--b--',
    ].join('\n'),
  );

const text: Part = { type: 'text/plain', content: 'See what is attached.' };

export const attachment: PluginCases = {
  plugin: 'attachment',
  setups: [
    {
      files: () => ({
        'attachment.ini': 'disallowed_extensions=exe,scr\n[archive]\nextensions=tar\n',
        'attachment.ctype.regex': 'executable\n',
        'attachment.filename.regex': '^invoice.*\\.html$\n',
      }),
      cases: [
        {
          name: 'notes name, type and checksum of what it lets pass',
          script: wholeSession({
            message: withParts(
              text,
              { type: 'image/png; name="a.png"', name: 'Ein Bild.png', content: 'not really a picture'.repeat(500) },
              { type: 'application/pdf', name: 'b.pdf', content: '%PDF' },
            ),
          }),
        },
        {
          name: 'refuses an extension',
          script: wholeSession({
            message: withParts(text, { type: 'application/octet-stream', name: 'Setup.EXE', content: 'MZ' }),
          }),
        },
        {
          name: 'refuses a type',
          script: wholeSession({
            message: withParts(text, { type: 'application/x-executable', name: 'tool', content: 'ELF' }),
          }),
        },
        {
          name: 'refuses a name',
          script: wholeSession({
            message: withParts({ type: 'text/html', name: 'invoice-17.html', content: '<p>' }, text),
          }),
        },
        { name: 'finds nothing in a message without parts', script: wholeSession() },
      ],
    },
  ],
};
