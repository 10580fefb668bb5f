/** Reads back that the VM is on the target and only there (rules.md §6.10), and gives it its autostart. */
import { iso } from '../clock.js';
import { PlacementError } from '../errors.js';
import { isKnown, placeText } from '../inventory.js';
import { isRunning, isUnread, needRead, standing } from './reality.js';
import { refuseGone, shallRun, sourceTookOver, type SourceRan } from './start.js';
import type { Step } from './step.js';

export const readBack = (phase: Step['phase'], sourceRan: SourceRan | null): Step => ({
  name: 'read-back',
  words: 'reads back where the VM runs',
  phase,
  run: async (ctx, reality) => {
    const { record, driver } = ctx;
    const { target } = reality;
    // HA may have taken it on from there.
    const to = placeText(target?.ref ?? record.to);
    const mustRun = record.method === 'hot' || shallRun(record);
    const gone = await sourceTookOver(ctx, reality, sourceRan);
    if (gone !== null) return gone;
    refuseGone(ctx, reality);
    if (target === null) needRead(reality, record.to, 'whether the VM runs there is not known; its source is kept');
    if (target === null || (mustRun && !isRunning(target)))
      throw new PlacementError(
        'platform',
        `${ctx.vm}: reads as ${target?.power ?? 'not there'} on ${to} after the move; its source is kept.`,
        {
          vm: ctx.vm,
          next: `start it on ${to}, then pulumi up`,
        },
      );
    if (isUnread(reality, record.from))
      throw new PlacementError(
        'platform',
        `${ctx.vm}: ${standing(target, record.to)}, but ${placeText(record.from)} cannot be read, so nothing there is touched.`,
        {
          vm: ctx.vm,
          next: 'pulumi up when that host answers',
        },
      );
    const others = reality.unread.map((host) => `${host.cluster}/${host.name}`);
    if (others.length > 0)
      ctx.warn(`${ctx.vm}: ${standing(target, record.to)}; not read, so not checked for another copy: ${others.join(', ')}.`);

    const needsAutostart = record.autostartBefore && !(isKnown(target.autostart) && target.autostart);
    if (needsAutostart) {
      await ctx.checkLease();
      await driver.autostart(target.ref, true, ctx.run('finishing'));
    }
    if (record.backAt === null) await ctx.save({ backAt: iso(reality.at) });
    return needsAutostart ? 'next' : 'nothing';
  },
});
