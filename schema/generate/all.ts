/** Everything that is generated, as text by path. Deterministic: the same model gives the same bytes. */
import { format, resolveConfig } from 'prettier';
import { generateFindingsReference, type RuleSource } from './findings.js';
import { generateJsonSchema } from './json-schema.js';
import { readModel } from './model.js';
import { generateNodejs } from './nodejs.js';
import { generatePulumiConst, generatePulumiJson, type Package } from './pulumi.js';
import { generateDatacenterReference, generateInputsReference, generateLibvirtReference } from './reference.js';
import { generateTypes } from './types.js';
import { generateValidators } from './validators.js';

export interface Sources {
  /** schema/vmplacement.yaml */
  readonly model: string;
  readonly package: Package;
  /** schema/generate/example.datacenter.yaml */
  readonly example: string;
  /** schema/generate/example.libvirt.yaml */
  readonly libvirtExample: string;
  /** provider/core/rules, one file a rule. */
  readonly rules: readonly RuleSource[];
  /** Folder whose .prettierrc.json counts. */
  readonly root: string;
}

export async function generateAll(sources: Sources): Promise<ReadonlyMap<string, string>> {
  const model = readModel(sources.model);
  const texts = new Map([
    ['schema/generated/types.ts', generateTypes(model)],
    ['schema/generated/json-schema.ts', generateJsonSchema(model)],
    ['schema/generated/pulumi-schema.ts', generatePulumiConst(model, sources.package)],
    ['schema/generated/pulumi-schema.json', generatePulumiJson(model, sources.package)],
    ...[...generateNodejs(model)].map(([path, text]) => [`sdk/nodejs/${path}`, text] as const),
    ['docs/reference/inputs.md', generateInputsReference(model)],
    ['docs/reference/embedded-datacenter.md', generateDatacenterReference(model, sources.example)],
    ['docs/reference/libvirt-datacenter.md', generateLibvirtReference(model, sources.libvirtExample)],
    ['docs/reference/findings.md', generateFindingsReference(sources.rules)],
  ]);
  const options = await resolveConfig(`${sources.root}/schema/generate.ts`);
  const formatted = [...texts].map(async ([path, text]) => [path, await format(text, { ...options, filepath: path })] as const);
  // ajv's own form: nobody reads it, and formatting it takes longer than all the others.
  return new Map([...(await Promise.all(formatted)), ['schema/generated/validators.ts', generateValidators(model)]]);
}
