/** The engine's side of the protocol, of which our plugin only needs the answers. */
import messages from '@pulumi/pulumi/proto/provider_pb.js';

export const { CheckRequest, ConfigureRequest, DiffRequest } = messages;
