/** What the front doors check before anything else: declarations, configuration, datacenter files. */
export type { Failure } from './validate/issue.js';
export type { IsUnknown } from './validate/structure.js';
export {
  checkGetPlacement,
  checkGetPlan,
  checkPlacement,
  withDefaults,
  type CheckedGetPlacement,
  type CheckedPlacement,
} from './validate/placement.js';
export { checkConfig, configNames, settingsOf, type CheckedConfig } from './validate/config.js';
export { checkDatacenterDocument, type CheckedDocument, type DocumentFailure } from './validate/document.js';
