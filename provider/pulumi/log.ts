/** The engine's log: lines below a resource, and the passing text beside it. */
import { Metadata, credentials } from '@grpc/grpc-js';
import { EngineClient, LogRequest, LogSeverity, type EngineClientType } from './proto.js';
import { messageLimits } from './limits.js';
import { lines } from './text.js';

export type Severity = 'debug' | 'info' | 'warning';

export interface EngineLog {
  /** Where the engine listens; a later answer (Handshake, Attach) replaces an earlier one. */
  connect(address: string): void;
  /** A line that stays, also under `Diagnostics:`. */
  say(severity: Severity, urn: string, message: string): void;
  /** Text that passes: one line of the table, replaced by the next; in a pipeline's output a line of its own. */
  status(urn: string, message: string): void;
  /** What was said is with the engine, or cannot be brought there any more. An answer must not overtake its messages. */
  flush(): Promise<void>;
  close(): void;
}

/** Longest wait for the engine to take a message: it may be gone. */
const deadlineMs = 2000;

export function engineLog(): EngineLog {
  let client: EngineClientType | null = null;
  const pending = new Set<Promise<void>>();

  const send = (severity: Severity, urn: string, message: string, ephemeral: boolean) => {
    if (client === null) return;
    const to = client;
    const request = new LogRequest();
    request.setSeverity(severities[severity]);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    const sent = new Promise<void>((resolve) => {
      // An engine that is gone cannot be told anything: the end of its process is noticed elsewhere (shutdown.ts).
      to.log(request, new Metadata(), { deadline: Date.now() + deadlineMs }, () => resolve());
    });
    pending.add(sent);
    void sent.then(() => pending.delete(sent));
  };

  return {
    connect(address) {
      client?.close();
      client = address === '' ? null : new EngineClient(address, credentials.createInsecure(), messageLimits);
    },
    say: (severity, urn, message) => send(severity, urn, lines(message), false),
    status: (urn, message) => send('info', urn, message, true),
    flush: async () => void (await Promise.all(pending)),
    close: () => client?.close(),
  };
}

const severities = { debug: LogSeverity.DEBUG, info: LogSeverity.INFO, warning: LogSeverity.WARNING } as const;
