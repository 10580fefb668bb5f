export { embeddedDriver } from './driver.js';
export { modelOn, openModel, realWall, type Model, type Wall } from './model.js';
export { embeddedModel, openEmbedded } from './open.js';
export { faults, type Fault } from './faults.js';
export { openOutside, type Outside } from './outside.js';
export type { Shown, ShownVm } from './show.js';
