import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { findProgram } from './find-program.ts';
import { mongodbKind } from './mongodb-kind.ts';

/** What a suite may need beyond Node. */
export type Need =
  | 'chromium'
  | 'curl'
  | 'go'
  | 'libfaketime'
  | 'mongodb'
  /** A MongoDB that tests may stop and freeze. */
  | 'mongodb-process'
  | 'nginx'
  | 'nginx-stream'
  | 'openssl'
  | 'pip'
  | 'postfix'
  | 'prlimit'
  | 'python3'
  | 'redis'
  | 'redis-server'
  | 'smtp-sink'
  | 'strace'
  | 'swaks'
  | 'tmpfs';

export interface Availability {
  /** Path or URL; undefined when it cannot be had here. */
  found: string | undefined;
  /** What to do to get it, as one would tell a colleague. */
  remedy: string;
}

const program = (...names: string[]): string | undefined => names.map(findProgram).find((path) => path !== undefined);
const root = () => process.getuid?.() === 0;

/** The library, wherever this machine's architecture keeps it. */
const fakeTime = (): string | undefined => globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')[0];

const look: Readonly<Record<Need, () => Availability>> = {
  chromium: () => ({ found: program('chromium', 'chromium-browser'), remedy: 'apt-get install chromium' }),
  curl: () => ({ found: program('curl'), remedy: 'apt-get install curl' }),
  go: () => ({ found: program('go'), remedy: 'install Go 1.23 or newer, https://go.dev/dl' }),
  libfaketime: () => ({ found: fakeTime(), remedy: 'apt-get install libfaketime' }),
  mongodb: () => ({
    found: process.env.SLUICE_TEST_MONGODB_URI ?? mongodbKind(),
    remedy:
      'put mongod on PATH, or apt-get install default-jdk-headless maven, or set SLUICE_TEST_MONGODB_URI to a server ' +
      'of which the tests may use databases of their own',
  }),
  'mongodb-process': () => ({
    found: mongodbKind(),
    remedy: 'put mongod on PATH, or apt-get install default-jdk-headless maven',
  }),
  nginx: () => ({ found: program('nginx'), remedy: 'apt-get install nginx libnginx-mod-stream' }),
  'nginx-stream': () => ({
    found: globSync('/usr/lib/nginx/modules/ngx_stream_module.so')[0],
    remedy: 'apt-get install libnginx-mod-stream',
  }),
  openssl: () => ({ found: program('openssl'), remedy: 'apt-get install openssl' }),
  pip: () => ({
    found: spawnSync('python3', ['-m', 'pip', '--version']).status === 0 ? program('python3') : undefined,
    remedy: 'apt-get install python3-pip',
  }),
  postfix: () => ({
    found: root() ? program('postfix') : undefined,
    remedy: root() ? 'apt-get install postfix' : 'run as root, and apt-get install postfix',
  }),
  prlimit: () => ({ found: program('prlimit'), remedy: 'apt-get install util-linux' }),
  python3: () => ({ found: program('python3'), remedy: 'apt-get install python3' }),
  redis: () => ({
    found: process.env.SLUICE_TEST_REDIS_URL ?? program('redis-server'),
    remedy: 'apt-get install redis-server, or set SLUICE_TEST_REDIS_URL',
  }),
  'redis-server': () => ({ found: program('redis-server'), remedy: 'apt-get install redis-server' }),
  'smtp-sink': () => ({ found: program('smtp-sink'), remedy: 'apt-get install postfix' }),
  strace: () => ({ found: program('strace'), remedy: 'apt-get install strace' }),
  // Without the Perl module it is there but speaks no TLS.
  swaks: () => ({
    found: spawnSync('perl', ['-MNet::SSLeay', '-e', '1']).status === 0 ? program('swaks') : undefined,
    remedy: 'apt-get install swaks libnet-ssleay-perl',
  }),
  tmpfs: () => ({
    found:
      root() && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
        ? 'mount'
        : undefined,
    remedy: 'run as root where file systems may be mounted',
  }),
};

const known = new Map<Need, Availability>();

/** Looks once for what a suite needs. */
export const available = (need: Need): Availability => {
  let answer = known.get(need);
  if (answer === undefined) {
    answer = look[need]();
    known.set(need, answer);
  }
  return answer;
};
