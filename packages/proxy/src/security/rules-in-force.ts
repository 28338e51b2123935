/** Takes over what changes in the files of tokens, policies and certificates, while the proxy runs. */
import { unwatchFile, watchFile } from "node:fs";
import type { TlsOptions } from "node:tls";
import type { Log } from "../observability/log.ts";
import type { Guard } from "./guard.ts";
import type { SecurityConfig } from "./security-config.ts";
import { isSameAuthority, readTls } from "./tls.ts";

/** How often files are looked at that whoever renews certificates replaces, in milliseconds. */
const LOOK_PERIOD_MS = 10_000;

export interface RulesParts {
  readonly security: SecurityConfig;
  /** What the listeners began with; `undefined` for plain connections. */
  readonly tls: TlsOptions | undefined;
  readonly guard: Guard;
  /** Those that speak TLS; some may not be there. */
  readonly listeners: readonly (Renewable | undefined)[];
  /**
   * Looks at those again who were let in and are still here.
   *
   * @param hasOtherAuthority whether certificates that were accepted may not be any more
   */
  readonly recheck: (hasOtherAuthority: boolean) => void;
  readonly log: Log;
}

interface Renewable {
  renewTls(tls: TlsOptions, hasOtherAuthority: boolean): void;
}

export interface RulesInForce {
  /** Reads everything again. If any of it cannot be used, all stays as it was, and the log says so. */
  reload(): void;
  stop(): void;
}

export function keepingRules({
  security,
  tls: firstTls,
  guard,
  listeners,
  recheck,
  log,
}: RulesParts): RulesInForce {
  let tlsBefore = firstTls;
  const reload = (): void => {
    try {
      const rules = security.readRules();
      const tls = security.tls && readTls(security.tls);
      guard.reload(rules);
      const hasOtherAuthority = tls !== undefined && !isSameAuthority(tlsBefore, tls);
      tlsBefore = tls;
      if (tls !== undefined)
        for (const listener of listeners) listener?.renewTls(tls, hasOtherAuthority);
      recheck(hasOtherAuthority);
      log("info", "reloaded", { policies: rules.policies.map(({ name }) => name) });
    } catch (error) {
      log("error", "reload-failed", { error: (error as Error).message });
    }
  };
  const options = { interval: LOOK_PERIOD_MS, persistent: false };
  for (const file of security.files) watchFile(file, options, reload);
  return {
    reload,
    stop() {
      for (const file of security.files) unwatchFile(file, reload);
    },
  };
}
