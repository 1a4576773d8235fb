import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { loadConfiguration } from '../../../core/config/load.ts';
import { cleanEnvironment, runChild } from '../../support/child.ts';
import { describeWith } from '../../support/describe-with.ts';
import { helm, kubernetesValidate } from '../../support/fetched-tools.ts';
import { repository } from '../../support/process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const chart = join(repository, 'deploy/helm/sluice');
/** The oldest version of Kubernetes that the chart is for, and a late one. */
const versions = ['1.27.0', '1.33.0'];
const everything = [
  'api.ingress.enabled',
  'smtp.autoscaling.enabled',
  'worker.autoscaling.enabled',
  'api.autoscaling.enabled',
];

const variants: [string, readonly string[]][] = [
  ['as it comes', []],
  [
    'with everything on',
    [...everything.map((name) => `${name}=true`), 'certificate=mail-tls', 'api.ingress.tls=api-tls'],
  ],
];

describeWith(['go', 'python3', 'pip'], 'the Helm chart', () => {
  const render = async (settings: readonly string[], version: string): Promise<string> => {
    const sets = settings.flatMap((one) => ['--set', one]);
    const args = ['template', 'mail', chart, '--kube-version', version, ...sets];
    const { code, stdout, stderr } = await runChild(await helm(), args);
    expect(code, stderr).toBe(0);
    return stdout;
  };

  // On a new machine both are fetched, and helm is built.
  beforeAll(async () => {
    await helm();
    await kubernetesValidate();
  }, 900_000);

  test('passes helm lint', async () => {
    const { code, stdout, stderr } = await runChild(await helm(), ['lint', '--strict', chart]);
    expect(code, stdout + stderr).toBe(0);
  });

  test.each(variants)('renders manifests that Kubernetes knows, %s', async (_, settings) => {
    await using folder = await temporaryFolder('helm');
    const env = cleanEnvironment({ PYTHONPATH: await kubernetesValidate() });
    for (const version of versions) {
      const file = join(folder.path, `${version}.yaml`);
      await writeFile(file, await render(settings, version));
      const known = version.split('.').slice(0, 2).join('.');
      const args = ['-m', 'kubernetes_validate', '--strict', '--kubernetes-version', known, file];
      const { code, stdout, stderr } = await runChild('python3', args, { env });
      expect(code, stdout + stderr).toBe(0);
      expect(stdout).toMatch(/passed for resource deployment\/mail-sluice-worker/);
    }
  });

  test('gives its processes a configuration that Sluice takes', async () => {
    await using folder = await temporaryFolder('helm');
    const documents = parseAllDocuments(await render([], '1.33.0')).map((one) => one.toJS());
    const map = documents.find(({ kind }) => kind === 'ConfigMap');
    const path = join(folder.path, 'sluice.yaml');
    await writeFile(path, map.data['sluice.yaml']);
    const secret = 'long enough to be a secret of a test';
    const env = {
      MONGODB_URI: 'mongodb://mongodb/sluice',
      REDIS_URL: 'redis://redis',
      JWT_SECRET: secret,
      SLUICE_SECRETS_KEY: secret,
    };
    const { config, warnings } = await loadConfiguration({ path, env, cwd: folder.path });
    expect(config.mode).toBe('cluster');
    expect(warnings).toEqual([]);
  });
});
