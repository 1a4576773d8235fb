import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigFiles } from './plugin-cases.ts';
import { sitePackages } from './site.ts';

/** What both servers call themselves. */
export const serverName = 'mx.sluice.test';

export interface HarakaFolder {
  readonly path: string;
  /** What the probe has printed. */
  readonly probeFile: string;
}

export interface FolderContent {
  readonly plugins: readonly string[];
  readonly files: ConfigFiles;
  /** Whether a PROXY header comes first. */
  readonly proxy: boolean;
}

const connectionIni = (proxy: boolean): string => `
[main]
smtputf8=true

[haproxy]
${proxy ? 'hosts[] = 127.0.0.1' : 'hosts[] ='}

[headers]
max_lines=1000
max_received=100

[max]
bytes=26214400
mime_parts=1000
line_length=512
data_line_length=992

[message]
helo=Haraka is at your service.
close=closing connection. Have a jolly good day.

[uuid]
banner_chars=0
deny_chars=0
`;

/** Writes the folder that Haraka is started with, and that the bridge reads: the same files for both. */
export const writeHarakaFolder = async (
  path: string,
  { plugins, files, proxy }: FolderContent,
): Promise<HarakaFolder> => {
  const probeFile = join(path, 'probe.jsonl');
  for (const part of ['config', 'plugins', 'queue']) await mkdir(join(path, part), { recursive: true });
  const all: ConfigFiles = {
    plugins: `${plugins.join('\n')}\n`,
    me: `${serverName}\n`,
    'connection.ini': connectionIni(proxy),
    'log.ini': '[main]\nlevel=info\nformat=default\n',
    'outbound.ini': 'local_mx_ok=true\nreceived_header=disabled\n',
    probe_file: `${probeFile}\n`,
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    const file = join(path, 'config', name);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text);
  }
  await cp(join(import.meta.dirname, 'site-plugins'), join(path, 'plugins'), { recursive: true });
  await writeFile(join(path, 'package.json'), '{ "private": true }\n');
  await symlink(sitePackages, join(path, 'node_modules'));
  await writeFile(probeFile, '');
  return { path, probeFile };
};
