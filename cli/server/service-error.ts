import { isGrpcServiceError } from '@temporalio/client';

/** The gRPC status codes that commands tell apart. */
const GRPC_STATUS = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  failedPrecondition: 9,
  internal: 13,
  unavailable: 14,
} as const;

/** Whether a call to the server failed with one of these status codes, also where the client wrapped the error once. */
export function isServiceError(error: unknown, ...statuses: readonly (keyof typeof GRPC_STATUS)[]): boolean {
  const service = error instanceof Error && !isGrpcServiceError(error) ? error.cause : error;
  return isGrpcServiceError(service) && statuses.some((status) => service.code === GRPC_STATUS[status]);
}
