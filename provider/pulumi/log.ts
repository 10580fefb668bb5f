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
  let connected = '';
  /** One after another: the engine shows them in the order in which they arrive. */
  let last: Promise<void> = Promise.resolve();

  const send = (severity: Severity, urn: string, message: string, ephemeral: boolean) => {
    if (client === null) return;
    const to = client;
    const request = new LogRequest();
    request.setSeverity(severities[severity]);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    last = last.then(async () => {
      if (client !== to) return;
      // An engine that is gone cannot be told anything; that it is gone is noticed elsewhere (shutdown.ts).
      if (!(await taken(to, request))) client = null;
    });
  };

  return {
    connect(address) {
      if (address === connected && client !== null) return;
      connected = address;
      client?.close();
      client = address === '' ? null : new EngineClient(address, credentials.createInsecure(), messageLimits);
    },
    say: (severity, urn, message) => send(severity, urn, lines(message, severity === 'warning' ? 'warning: '.length : 0), false),
    status: (urn, message) => send('info', urn, message, true),
    flush: () => last,
    close: () => client?.close(),
  };
}

const severities = { debug: LogSeverity.DEBUG, info: LogSeverity.INFO, warning: LogSeverity.WARNING } as const;

const taken = (engine: EngineClientType, request: InstanceType<typeof LogRequest>): Promise<boolean> =>
  new Promise((resolve) => engine.log(request, new Metadata(), { deadline: Date.now() + deadlineMs }, (error) => resolve(error === null)));
