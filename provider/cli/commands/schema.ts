/** `vmplacement schema`: the Pulumi package schema, as `pulumi package gen-sdk` reads it. */
import { pulumiSchema } from '../../../schema/generated/pulumi-schema.js';
import { exitCodes, type Result } from '../result.js';

export function schema(): Result {
  return { report: pulumiSchema, text: `${JSON.stringify(pulumiSchema, null, 2)}\n`, exit: exitCodes.fine };
}
