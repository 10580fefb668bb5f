import { isAbsolute, join } from 'node:path';
import type { ResolvedEmbedded } from '../../../schema/embedded.js';
import type { OpenDriver } from '../driver.js';
import { embeddedDriver } from './driver.js';
import { openModel, type Model, type Wall } from './model.js';

/** Opens the datacenter on its store folder, which is made when it is missing. */
export const openEmbedded: OpenDriver<ResolvedEmbedded> = async (config, { baseDir }) => {
  const model = embeddedModel(config, baseDir);
  // Made here when it is missing: from its making on, guests run.
  await model.store.peek();
  return embeddedDriver(model);
};

const embeddedModel = (config: ResolvedEmbedded, baseDir: string, wall?: Wall): Model =>
  openModel(config, { folder: storeFolder(config, baseDir) }, wall);

function storeFolder(config: ResolvedEmbedded, baseDir: string): string {
  if (config.store === null) return join(baseDir, '.vmplacement', 'embedded');
  return isAbsolute(config.store) ? config.store : join(baseDir, config.store);
}
