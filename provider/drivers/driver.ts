/**
 * The SPI for driver authors. The verbs are the core's (`core/driver.ts`); what a driver module must export beside them is
 * here. CONTRIBUTING.md says how to add one, `test/contract/driver.ts` is what it must pass.
 */
import type { Driver } from '../core/driver.js';

export type * from '../core/driver.js';

/** Opens a driver. `config` is the driver's own part of the configuration, already validated; paths in it are relative to `baseDir`. */
export type OpenDriver<Config> = (config: Config, context: { readonly baseDir: string }) => Promise<Driver>;
