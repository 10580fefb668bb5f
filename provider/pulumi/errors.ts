/** Errors of the core -> errors that the engine understands. */
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { PlacementError, type ErrorCode } from '../core/errors.js';
import { toStruct, type Properties } from './codec.js';
import { Any, ErrorResourceInitFailed, Status } from './proto.js';
import { lines } from './text.js';

/**
 * The operation took effect in part, or ended in a state that needs another run: the engine stores `properties` together with the
 * old inputs and fails the resource with `reason`. A plain error leaves the engine's state as it was.
 */
export class InitFailed extends Error {
  constructor(
    readonly id: string,
    readonly properties: Properties,
    readonly reason: string,
    readonly refreshBeforeUpdate: boolean,
    readonly inputs?: Properties,
  ) {
    super(reason);
    this.name = 'InitFailed';
  }
}

/** Plain, with what failed in words: a `PlacementError` says it all, anything else is a fault of this program and says so. */
export function serviceError(error: unknown, where: string): ServiceError {
  if (error instanceof InitFailed) return initFailure(error);
  const known = PlacementError.isInstance(error);
  const message = error instanceof Error ? error.message : String(error);
  const details = lines(
    known ? message : `${where}: ${message} (a fault in the vmplacement provider; please report it)`,
    'error: Preview failed: '.length,
  );
  if (!known && error instanceof Error) process.stderr.write(`${error.stack ?? message}\n`);
  return Object.assign(new Error(details), { code: known ? statusOf(error.code) : status.INTERNAL, details, metadata: new Metadata() });
}

function initFailure(error: InitFailed): ServiceError {
  // Shown behind a tab and a star.
  const reason = lines(error.reason, 10);
  const detail = new ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(toStruct(error.properties));
  if (error.inputs !== undefined) detail.setInputs(toStruct(error.inputs));
  detail.setReasonsList([reason]);
  detail.setRefreshBeforeUpdate(error.refreshBeforeUpdate);
  const any = new Any();
  any.pack(detail.serializeBinary(), 'pulumirpc.ErrorResourceInitFailed');
  const rpcStatus = new Status().setCode(status.UNKNOWN).setMessage(reason).setDetailsList([any]);
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(rpcStatus.serializeBinary()));
  return Object.assign(new Error(reason), { code: status.UNKNOWN, details: reason, metadata });
}

function statusOf(code: ErrorCode): status {
  switch (code) {
    case 'input':
      return status.INVALID_ARGUMENT;
    case 'blocked':
    case 'plan-changed':
    case 'not-possible':
      return status.FAILED_PRECONDITION;
    case 'lease-lost':
    case 'conflict':
      return status.ABORTED;
    case 'interrupted':
      return status.CANCELLED;
    case 'timeout':
      return status.DEADLINE_EXCEEDED;
    case 'platform':
      return status.UNAVAILABLE;
    case 'internal':
      return status.INTERNAL;
  }
}
