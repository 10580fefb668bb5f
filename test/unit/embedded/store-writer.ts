/** A process of its own that adds one to a number in the store, again and again: run by store.test.ts. */
import { fileStore } from '../../../provider/drivers/embedded/store.js';
import { emptyWorld } from './store-world.js';

const [folder = '', times = '0', who = ''] = process.argv.slice(2);
const store = fileStore(folder, emptyWorld);
for (let index = 0; index < Number(times); index += 1) {
  await store.update((world) => {
    const mine = (world.leases['counter'] ??= { holder: '', expiresAt: 0 });
    mine.expiresAt += 1;
    world.journal.push({ at: '', kind: 'lost-write', vm: who, details: String(mine.expiresAt) });
  });
}
