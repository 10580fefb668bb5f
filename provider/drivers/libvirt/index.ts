export { openLibvirt } from './open.js';
