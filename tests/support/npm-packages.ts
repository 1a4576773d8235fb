import { runChild } from './child.ts';

/**
 * Installs what a folder's lock file says, without running scripts of packages. The environment is ours: proxies,
 * registries and certificate authorities of this machine stand there.
 */
export const installPackages = async (folder: string, what: string): Promise<void> => {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { code, stderr } = await runChild('npm', args, { cwd: folder, timeout: 600_000, env });
  if (code !== 0) throw new Error(`npm could not install ${what}: ${stderr}`);
};
