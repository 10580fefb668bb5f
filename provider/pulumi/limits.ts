/** The engine's own limits: a datacenter's schema or a large state must not be cut by grpc's 4 MB. */
const largestMessage = 400 * 1024 * 1024;

export const messageLimits = {
  'grpc.max_receive_message_length': largestMessage,
  'grpc.max_send_message_length': largestMessage,
} as const;
