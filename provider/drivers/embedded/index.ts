export { embeddedDriver } from './driver.js';
export { modelOn, openModel, realWall, type Model, type Wall } from './model.js';
export { embeddedModel, openEmbedded } from './open.js';
