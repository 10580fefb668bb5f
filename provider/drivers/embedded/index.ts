export { embeddedDriver } from './driver.js';
export { modelOn, openModel, realWall, type Model, type Wall } from './model.js';
export { openEmbedded } from './open.js';
export { openOutside, type Outside } from './outside.js';
