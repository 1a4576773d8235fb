import type { Command } from 'commander';
import { createUser, listUsers } from '../../admin-api/routes/users.ts';
import type { NewUser } from '../../core/accounts/account-schemas.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { CommandContext } from '../command-context.ts';
import { everyPage } from '../pages.ts';
import { readPassword } from '../password.ts';
import type { Bind } from '../program.ts';
import { type QuotaOptions, quotaFields, quotaOption, showQuota } from '../quota-option.ts';

interface AddOptions extends QuotaOptions {
  readonly username: string;
  readonly email: string;
  readonly role?: 'admin' | 'user';
  readonly domain?: string[];
}

async function add(context: CommandContext, options: AddOptions): Promise<void> {
  const { output } = context;
  const client = await context.connect('new');
  const { items } = await client.call(listUsers, { query: { limit: 1 } });
  // The first user is the administrator: somebody has to be.
  const role = options.role ?? (items.length === 0 ? 'admin' : 'user');
  const password = await readPassword(context.surroundings, 'twice');
  const body: NewUser = {
    username: options.username,
    email: options.email,
    password,
    role,
    ...quotaFields(options),
    ...(options.domain === undefined ? {} : { domains: options.domain }),
  };
  const user = await client.call(createUser, { body });
  output.result(user, () => {
    output.line(`${user.role === 'admin' ? 'Administrator' : 'User'} ${user.username} <${user.email}> added.`);
    output.line(`Next: sluice credential add --user ${user.username} --name "My first credential"`);
  });
}

async function list(context: CommandContext): Promise<void> {
  const client = await context.connect('existing');
  const users = await everyPage((cursor) => client.call(listUsers, { query: { limit: 200, cursor } }));
  context.output.result({ users }, () => {
    context.output.table(
      [
        { title: 'Username' },
        { title: 'Email', flexible: true },
        { title: 'Role' },
        { title: 'Daily', align: 'right' },
        { title: 'Hourly', align: 'right' },
        { title: 'Domains', flexible: true },
        { title: 'State' },
      ],
      users.map((user) => [
        user.username,
        user.email,
        user.role,
        showQuota(user.daily_quota),
        showQuota(user.hourly_quota),
        user.domains.join(', ') || 'any',
        user.enabled ? 'on' : 'off',
      ]),
    );
  });
}

/** Finds a user by name. Throws `NOT_FOUND`, with what to do. */
export async function findUser(context: CommandContext, username: string): Promise<{ readonly id: string }> {
  const client = await context.connect('existing');
  const { items } = await client.call(listUsers, { query: { username, limit: 1 } });
  const [user] = items;
  if (user === undefined)
    throw new SluiceError('NOT_FOUND', `there is no user ${username}; sluice user list shows all`);
  return user;
}

export function addUserCommand(program: Command, bind: Bind): void {
  const user = program.command('user').description('People and scripts that own credentials');
  user
    .command('add')
    .description('Add a user; the first one becomes the administrator')
    .requiredOption('-u, --username <name>', 'name to be known by')
    .requiredOption('-e, --email <address>', 'address to log in to the API with')
    .option('--role <role>', 'admin or user')
    .option('--daily-quota <recipients>', 'most recipients a day; none: no limit', quotaOption)
    .option('--hourly-quota <recipients>', 'most recipients an hour; none: no limit', quotaOption)
    .option('--domain <domain...>', 'domains it may send from (default: any)')
    .addHelpText('after', '\nThe password is asked for, or read from standard input where that is no terminal.')
    .action(bind(add));
  user.command('list').description('All users').action(bind(list));
}
