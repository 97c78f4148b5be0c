import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { setUpReporter } from '../cli/terminal/loudness';
import { ensureGoTool, type GoTool } from '../services/local/go-tool';
import { projectDir } from '../services/local/paths';
import { kubernetesSchemas, type Manifest } from './kubernetes-schemas';

const HELM: GoTool = {
  name: 'helm',
  package: 'helm.sh/helm/v3/cmd/helm',
  version: 'v3.22.0',
  expectedLines: 1_400,
  probe: ['version', '--short'],
};
/** The oldest that the chart takes, and the newest that there are schemas of. */
const KUBERNETES = ['1.27.0', '1.37.0'];
const CHART = join(projectDir(), 'deploy', 'helm', 'rehearse');

/** Values that cannot be right, and what is said of them. */
const REFUSED: readonly (readonly [sets: readonly string[], says: RegExp])[] = [
  [['workers.llm.replicas=2'], /several llm workers need redis\.existingSecret/],
  [['workers.llm.autoscaling.enabled=true'], /several llm workers need redis\.existingSecret/],
  [['temporal.tls.clientCertificate=true'], /needs temporal\.tls\.existingSecret/],
  [['workers.llm.terminationGracePeriodSeconds=30'], /terminationGracePeriodSeconds/],
  [['temporal.address=https://example.com'], /address/],
  [['workers.lmm.replicas=1'], /lmm/],
  [['store.bucket.url=gs://runs'], /url/],
];

interface Container {
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly resources: { readonly limits?: Readonly<Record<string, unknown>> };
  readonly env: readonly { readonly name: string; readonly value?: unknown }[];
}

/** Lints and renders the chart with each file of values in its ci/, and holds what comes out to schemas and to what the chart promises. */
async function main(): Promise<void> {
  const reporter = setUpReporter();
  const helm = await ensureGoTool(reporter, HELM);
  const schemasOf = await kubernetesSchemas(reporter);
  const files = readdirSync(join(CHART, 'ci')).map((name) => join(CHART, 'ci', name));
  const problems: string[] = [];
  let checked = 0;
  for (const version of KUBERNETES) {
    const schemas = schemasOf(version);
    for (const file of [undefined, ...files]) {
      const values = file === undefined ? [] : ['--values', file];
      run(helm, ['lint', '--strict', CHART, ...values, '--kube-version', version]);
      for (const manifest of render(helm, [...values, '--kube-version', version])) {
        checked++;
        const found = [...schemas.problems(manifest), ...promises(manifest)];
        problems.push(...found.map((problem) => `${file ?? 'values.yaml'}: ${manifest.kind} ${manifest.metadata.name}: ${problem}`));
      }
    }
    // The schemas would see a mistake.
    const wrong = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'x' }, automountServiceAcountToken: false };
    if (schemas.problems(wrong as Manifest).length === 0) problems.push(`Kubernetes ${version} takes a misspelt field`);
  }
  for (const [sets, says] of REFUSED) {
    const { status, stderr } = spawnSync(
      helm,
      ['template', 'x', CHART, '--kube-version', '1.37.0', ...sets.flatMap((set) => ['--set', set])],
      { encoding: 'utf8' },
    );
    if (status === 0 || !says.test(stderr)) problems.push(`${sets.join(' ')} is not refused by ${String(says)}: ${stderr}`);
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
  console.log(
    `✓ helm lint is content, ${checked} manifests are valid for Kubernetes ${KUBERNETES.join(' and ')}, ${REFUSED.length} mistakes are refused`,
  );
}

function render(helm: string, args: readonly string[]): Manifest[] {
  const text = run(helm, ['template', 'my-runs', CHART, '--namespace', 'training', ...args]);
  return parseAllDocuments(text).flatMap((document) => {
    const manifest = document.toJS() as Manifest | null;
    return manifest === null ? [] : [manifest];
  });
}

/** What the chart promises of every worker, beyond what a schema can say. */
function promises({ kind, spec }: Manifest): string[] {
  if (kind !== 'Deployment') return [];
  const pod = (spec as { template: { spec: { securityContext: object; containers: Container[]; terminationGracePeriodSeconds: number } } })
    .template.spec;
  const [container] = pod.containers;
  const said: [string, boolean][] = [
    ['runs as root', 'runAsNonRoot' in pod.securityContext],
    ['may write to its image', container?.securityContext['readOnlyRootFilesystem'] === true],
    ['may gain rights', container?.securityContext['allowPrivilegeEscalation'] === false],
    ['has no limit of memory', container?.resources.limits?.['memory'] !== undefined],
    ['has not the time to drain', pod.terminationGracePeriodSeconds > 120],
    [
      'has a secret as a value',
      container?.env.every(({ name, value }) => !/KEY$|TOKEN$|SECRET/.test(name) || value === undefined) === true,
    ],
  ];
  return said.flatMap(([problem, isKept]) => (isKept ? [] : [problem]));
}

/** @throws Error with what it said */
function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`helm ${args.join(' ')} says:\n${stdout}${stderr}`);
  return stdout;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
