import type { Command } from 'commander';
import { createCredential, listCredentials } from '../../admin-api/routes/smtp-credentials.ts';
import type { NewCredential } from '../../core/accounts/account-schemas.ts';
import type { CommandContext } from '../command-context.ts';
import { everyPage } from '../pages.ts';
import type { Bind } from '../program.ts';
import { type QuotaOptions, quotaFields, quotaOption, showQuota } from '../quota-option.ts';
import { span } from '../text.ts';
import { findUser } from './user.ts';

interface AddOptions extends QuotaOptions {
  readonly name: string;
  readonly user?: string;
  readonly domain?: string[];
  readonly network?: string[];
}

async function add(context: CommandContext, options: AddOptions): Promise<void> {
  const { output } = context;
  const owner = options.user === undefined ? undefined : await findUser(context, options.user);
  const fields: NewCredential = {
    name: options.name,
    ...quotaFields(options),
    ...(options.domain === undefined ? {} : { domains: options.domain }),
    ...(options.network === undefined ? {} : { networks: options.network }),
  };
  const client = await context.connect('existing');
  const body = { ...fields, ...(owner === undefined ? {} : { owner_id: owner.id }) };
  const credential = await client.call(createCredential, { body });
  output.result(credential, () => {
    output.pairs([
      ['Username', credential.username],
      ['Password', credential.password],
      ['Quota', `${showQuota(credential.daily_quota)} recipients a day, ${showQuota(credential.hourly_quota)} an hour`],
    ]);
    output.line('The password is shown this once; keep it where the application reads it.');
    output.line(`Next: sluice send --username ${credential.username} --to someone@example.com`);
  });
}

async function list(context: CommandContext, options: { user?: string }): Promise<void> {
  const { output } = context;
  const owner = options.user === undefined ? {} : { owner_id: (await findUser(context, options.user)).id };
  const client = await context.connect('existing');
  const credentials = await everyPage((cursor) =>
    client.call(listCredentials, { query: { limit: 200, cursor, ...owner } }),
  );
  output.result({ credentials }, () => {
    const used = (at: string | null) => (at === null ? 'never' : `${span(Date.now() - Date.parse(at))} ago`);
    output.table(
      [
        { title: 'Username' },
        { title: 'Name', flexible: true },
        { title: 'Daily', align: 'right' },
        { title: 'Hourly', align: 'right' },
        { title: 'Domains', flexible: true },
        { title: 'Used' },
        { title: 'State' },
      ],
      credentials.map((credential) => [
        credential.username,
        credential.name,
        showQuota(credential.daily_quota),
        showQuota(credential.hourly_quota),
        credential.domains.join(', ') || 'any',
        used(credential.last_used_at),
        credential.enabled ? 'on' : 'off',
      ]),
    );
  });
}

export function addCredentialCommand(program: Command, bind: Bind): void {
  const credential = program.command('credential').description('What applications log in to SMTP with');
  credential
    .command('add')
    .description('Make a credential; its password is shown this once')
    .requiredOption('-n, --name <text>', 'what it is for')
    .option('-u, --user <username>', 'whose it shall be (needed unless --token says who asks)')
    .option('--daily-quota <recipients>', 'most recipients a day; none: no limit', quotaOption)
    .option('--hourly-quota <recipients>', 'most recipients an hour; none: no limit', quotaOption)
    .option('--domain <domain...>', 'domains it may send from (default: any)')
    .option('--network <network...>', 'addresses and networks it may be used from (default: any)')
    .action(bind(add));
  credential
    .command('list')
    .description('All credentials')
    .option('-u, --user <username>', 'only those of this user')
    .action(bind(list));
}
