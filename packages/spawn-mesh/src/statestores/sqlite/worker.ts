/** The worker's entry: a request comes, the session runs it, an answer goes. */
import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import { describeThrown, isSpawnError } from "../../engine/errors.ts";
import { StoreFailure } from "../../engine/statestore.ts";
import { DatabaseSession } from "./database-session.ts";
import { Lookout } from "./lookout.ts";
import type { WorkerError, WorkerReply, WorkerRequest } from "./worker-messages.ts";

const port = parentPort;
const session = new DatabaseSession();

if (port !== null) {
  const lookout = new Lookout(
    () => receiveMessageOnPort(port)?.message as WorkerRequest | undefined,
    () => performance.now(),
  );
  port.on("message", (first: WorkerRequest) => {
    for (let message: typeof first | undefined = first; message; message = lookout.next()) {
      port.postMessage(answerTo(message));
    }
  });
}

function answerTo(message: WorkerRequest): WorkerReply {
  try {
    return [session.handle(message)];
  } catch (error) {
    return [undefined, toWorkerError(error)];
  }
}

function toWorkerError(error: unknown): WorkerError {
  const message = describeThrown(error);
  if (isSpawnError(error)) {
    return { type: "refusal", code: error.code, message: message.slice(`[${error.code}] `.length) };
  }
  if (error instanceof StoreFailure) {
    return { type: "failure", kind: error.kind, message, rows: error.rows };
  }
  return { type: "failure", kind: "fatal", message, rows: [] };
}
