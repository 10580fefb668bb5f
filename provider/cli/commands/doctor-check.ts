import type { DoctorCheck } from '../../report/types.js';

export const ok = (name: string, message: string): DoctorCheck => ({ name, result: 'ok', message, fix: '' });
export const warn = (name: string, message: string, fix: string): DoctorCheck => ({ name, result: 'warn', message, fix });
export const fail = (name: string, message: string, fix: string): DoctorCheck => ({ name, result: 'fail', message, fix });
