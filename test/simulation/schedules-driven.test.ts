import { expectSchedules } from './expect-schedules.js';

expectSchedules('driven');
