import * as pulumi from '@pulumi/pulumi';
import { DynamicPlacement, Placement } from 'pulumi-vmplacement';
import { Fleet, environmentOf } from './fleet';

const config = new pulumi.Config();
const shutdown = config.get('dbShutdown');
const fleet = new Fleet('fleet', {
  environment: environmentOf(config.require('environment')),
  ...(shutdown === undefined ? {} : { databaseShutdown: shutdown }),
  placement: config.getBoolean('withoutPlugin') === true ? DynamicPlacement : Placement,
});

export const hosts = fleet.hosts;
export const waiting = fleet.waiting;
