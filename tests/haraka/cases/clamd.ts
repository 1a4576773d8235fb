import type { PluginCases } from '../harness/plugin-cases.ts';
import { plainMessage, wholeSession } from '../harness/session.ts';

const body = (text: string) => wholeSession({ message: plainMessage('x', text) });

export const clamd: PluginCases = {
  plugin: 'clamd',
  services: ['clamd'],
  setups: [
    {
      files: ({ clamd: port }) => ({
        'clamd.ini': `[main]\nclamd_socket=127.0.0.1:${port}\n[reject]\nvirus=true\nerror=true\nPUA=false\n`,
        'clamd.excludes': '/Harmless/\n',
      }),
      cases: [
        { name: 'lets a clean message pass', script: body('.\nnothing\n..') },
        { name: 'refuses an infected one, by name', script: body('clamav: Eicar-Test-Signature') },
        { name: 'marks what it is told to let pass', script: body('clamav: Harmless.Thing') },
        { name: 'marks what is of a kind that is not refused', script: body('clamav: PUA.Tool') },
        { name: 'puts off what could not be scanned', script: body('clamav: error') },
        { name: 'scans a long message', script: body('a line of some length\n'.repeat(5_000)) },
      ],
    },
    {
      name: 'with attachments only',
      files: ({ clamd: port }) => ({
        'clamd.ini': `[main]\nclamd_socket=127.0.0.1:${port}\nonly_with_attachments=true\n[reject]\nvirus=true\n`,
      }),
      cases: [{ name: 'skips a message without', script: body('clamav: Eicar-Test-Signature') }],
    },
    {
      name: 'without a daemon',
      files: () => ({ 'clamd.ini': '[main]\nclamd_socket=127.0.0.1:1\n[reject]\nerror=true\n' }),
      cases: [{ name: 'puts everything off', script: wholeSession() }],
    },
  ],
};
