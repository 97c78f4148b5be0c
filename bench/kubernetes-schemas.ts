import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ScaledObject, TriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1';
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import Ajv, { type ValidateFunction } from 'ajv/dist/2020';
import { contentKey, makeOnce } from '../services/local/make-once';
import { cacheDir, projectDir } from '../services/local/paths';
import { ensurePython, installFiles } from '../services/local/python-environment';
import type { SetupReporter } from '../services/local/setup-reporter';

/** A manifest, as far as all have it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Resources of operators, by the models that are generated from their own definitions. */
const CUSTOM: Readonly<Record<string, new (manifest: never) => { validate(): void }>> = { ScaledObject, TriggerAuthentication, PodMonitor };

/** Kubernetes' own strict schemas, as PyPI's kubernetes-validate carries them; installed once. */
export async function kubernetesSchemas(reporter: SetupReporter): Promise<(version: string) => KubernetesSchemas> {
  const pins = join(projectDir(), 'python', 'pins', 'kubernetes-validate.txt');
  const { python } = await ensurePython(reporter);
  const folder = join(cacheDir(), 'tools', `kubernetes-validate-${contentKey(pins)}`);
  await makeOnce(
    folder,
    () => reporter.step('Kubernetes schemas'),
    async (step) => {
      await installFiles({ pins, target: join(folder, 'packages'), python, step, cache: cacheDir() });
      return folder;
    },
  );
  const root = join(folder, 'packages', 'kubernetes_validate', 'kubernetes-json-schema');
  return (version) => new KubernetesSchemas(join(root, `v${version}-local-strict`));
}

/** Holds manifests to the schemas of one Kubernetes version. */
export class KubernetesSchemas {
  private readonly ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  private readonly known = new Map<string, ValidateFunction>();

  constructor(private readonly folder: string) {
    this.ajv.addSchema(this.read('_definitions.json'), '_definitions.json');
  }

  /** What is wrong with a manifest; nothing where it is right. Fields that do not exist are wrong. */
  problems(manifest: Manifest): string[] {
    const { [manifest.kind]: Model } = CUSTOM;
    if (Model !== undefined) {
      try {
        new Model(manifest as never).validate();
        return [];
      } catch (error) {
        return [String(error)];
      }
    }
    const validate = this.schemaOf(manifest);
    if (validate(manifest)) return [];
    return (validate.errors ?? []).map(({ instancePath, message = '', params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
  }

  /** @throws Error for a kind that this version does not know */
  private schemaOf({ apiVersion, kind }: Manifest): ValidateFunction {
    const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    const name = [kind.toLowerCase(), group.split('.')[0], version].filter((part) => part !== '').join('-');
    if (!existsSync(join(this.folder, `${name}.json`))) throw new Error(`Kubernetes (${this.folder}) has no ${apiVersion} ${kind}`);
    const validate = this.known.get(name) ?? this.ajv.compile(this.read(`${name}.json`));
    this.known.set(name, validate);
    return validate;
  }

  private read(file: string): object {
    return JSON.parse(readFileSync(join(this.folder, file), 'utf8')) as object;
  }
}
