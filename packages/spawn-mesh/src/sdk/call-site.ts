/**
 * In strict mode the stack of an error begins with the code that made the call. The engine throws later,
 * on behalf of many, and knows nothing of it; to look at the stack of every call would cost more than the call.
 */
import { SpawnError, isSpawnError } from "../engine/index.ts";
import { messageOf } from "../engine/errors.ts";

/** This library, installed or in its repository: its frames tell its user nothing. In a bundle it is not to be told. */
const LIBRARY = /[\\/](?:node_modules|packages)[\\/]spawn-mesh[\\/](?:dist|src)[\\/]/;
const FRAME = "\n    at ";

/** The same call, whose error knows who has made it. */
export function withCallSite(call: Promise<unknown>): Promise<unknown> {
  const site: { readonly stack?: string } = {};
  Error.captureStackTrace(site, withCallSite);
  return call.then(undefined, (error: unknown) => {
    throw isSpawnError(error) ? calledFrom(site.stack ?? "", error) : error;
  });
}

/** A copy, because others may have been told the same error. */
function calledFrom(site: string, error: SpawnError): SpawnError {
  const { code, applied, failure, stack = "" } = error;
  const cause = "cause" in error ? { cause: error.cause } : undefined;
  const told = new SpawnError(code, messageOf(error), { applied, failure, ...cause });
  const [, ...callers] = site.split(FRAME);
  const [head = "", ...frames] = stack.split(FRAME);
  const ofUser = callers.filter((frame) => !LIBRARY.test(frame));
  told.stack = [head, ...ofUser, ...frames].join(FRAME);
  return told;
}
