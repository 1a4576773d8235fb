/** Where an instance has its things; all below one folder of its own. */
export interface PostfixFolders {
  config: string;
  queue: string;
  data: string;
  mail: string;
  log: string;
}

/** main.cf of an instance that shares nothing with the machine's own Postfix. Later settings win. */
export const mainCf = (folders: PostfixFolders, settings: Readonly<Record<string, string>>): string => {
  const all: Record<string, string> = {
    compatibility_level: '3.6',
    queue_directory: folders.queue,
    data_directory: folders.data,
    maillog_file: folders.log,
    maillog_file_prefixes: folders.log,
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    myhostname: 'postfix.test',
    myorigin: 'postfix.test',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    mynetworks: '127.0.0.0/8',
    mydestination: '',
    alias_maps: '',
    alias_database: '',
    append_dot_mydomain: 'no',
    biff: 'no',
    smtpd_relay_restrictions: 'permit_mynetworks, reject',
    ...settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
};

/** Settings under which every address of every domain is delivered into one Maildir, a copy a recipient. */
export const catchAll = (folders: PostfixFolders, user: { uid: number; gid: number }): Record<string, string> => ({
  virtual_mailbox_domains: 'static:all',
  virtual_mailbox_maps: 'static:all/',
  virtual_mailbox_base: folders.mail,
  virtual_mailbox_limit: '0',
  virtual_minimum_uid: '1',
  virtual_uid_maps: `static:${user.uid}`,
  virtual_gid_maps: `static:${user.gid}`,
});

/** Debian's master.cf without chroot and without what no test uses; smtpd on one loopback port. */
export const masterCf = (port: number): string => `
127.0.0.1:${port} inet n - n - - smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       n       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
`;
